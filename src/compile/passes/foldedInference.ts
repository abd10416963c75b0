import { OWN_CONVOLUTION } from "../../ops/own.js";
import { DT } from "../../runtime/native.js";
import {
  attributeReader,
  floatConstant,
  type GraphNode,
  nodeOf,
  outputOf,
} from "../graph/graph.js";
import { follower, type Surroundings, surroundingsOf } from "./followers.js";
import type { Pass } from "./pass.js";

const FLOAT = { type: DT.float };
const NORMALIZATION = "FusedBatchNormV3";

/** The batch normalisation by running statistics that alone follows a convolution. */
function inferenceAfter(context: Surroundings, convolution: GraphNode): GraphNode | undefined {
  const node = follower(context, convolution, NORMALIZATION);
  if (node === undefined || attributeReader(node)("is_training") !== false) return undefined;
  // The statistics that it gives back have no place in what takes its own.
  const isStatistic = (ref: string) => nodeOf(ref) === node.name && outputOf(ref) > 0;
  const readers = context.users.get(node.name) ?? [];
  return readers.some(({ inputs }) => inputs.some(isStatistic)) ? undefined : node;
}

/**
 * In the place of both: with scale s = gamma / sqrt(variance + epsilon) of each output channel a convolution with the filter
 * times s, and the bias beta - mean s.
 */
function folded({ byName }: Surroundings, convolution: GraphNode, node: GraphNode): GraphNode[] {
  const [x = "", filter = "", ...control] = convolution.inputs;
  const [, gamma = "", beta = "", mean = "", variance = ""] = node.inputs;
  const { name } = node;
  const channels = [node.shapes?.[0]?.at(-1) as number];
  const made: GraphNode[] = [];
  const put = (part: string, op: string, inputs: string[], shape?: readonly number[]): string => {
    const attributes = { T: FLOAT };
    made.push({
      name: `${name}/${part}`,
      op,
      inputs,
      attributes,
      ...(shape && { shapes: [shape] }),
    });
    return `${name}/${part}`;
  };
  const epsilon = floatConstant(`${name}/epsilon`, attributeReader(node)("epsilon") as number);
  made.push(epsilon);
  const above = put("above_zero", "AddV2", [variance, epsilon.name], channels);
  const inverse = put("inverse", "Rsqrt", [above], channels);
  const scale = put("scale", "Mul", [inverse, gamma], channels);
  const shapeOfFilter = byName.get(nodeOf(filter))?.shapes?.[outputOf(filter)];
  const scaled = put("filter", "Mul", [filter, scale], shapeOfFilter);
  const moved = put("moved", "Mul", [mean, scale], channels);
  const bias = put("bias", "Sub", [beta, moved], channels);
  return [
    ...made,
    { ...convolution, inputs: [x, scaled, ...control] },
    {
      ...{ name, op: "BiasAdd", inputs: [convolution.name, bias] },
      attributes: { T: FLOAT, data_format: { string: "NHWC" } },
      ...(node.shapes?.[0] && { shapes: [node.shapes[0]] }),
    },
  ];
}

/**
 * Our own convolutions with the batch normalisation of an evaluation in their filters, as a frozen teacher's have it
 * (docs/adr/0004-folded-teacher.md), but by the weights as they are at that step: images are read and written once instead of twice,
 * and what follows can be joined. Other roundings in float32, so that only bfloat16 has it.
 */
export const foldInference: Pass = (step) => {
  const context = surroundingsOf(step);
  const moved = new Set<string>();
  const places = new Map<string, GraphNode>();
  for (const node of step.nodes) {
    const inference = node.op === OWN_CONVOLUTION ? inferenceAfter(context, node) : undefined;
    if (inference === undefined) continue;
    moved.add(node.name);
    places.set(inference.name, node);
  }
  const nodes = step.nodes.flatMap((node) => {
    const convolution = places.get(node.name);
    if (convolution !== undefined) return folded(context, convolution, node);
    return moved.has(node.name) ? [] : [node];
  });
  return { ...step, nodes };
};
