import { OWN_CONVOLUTION } from "../../ops/own.js";
import { DT } from "../../runtime/native.js";
import { attributeReader, type GraphNode, nodeOf, outputOf, shapeBehind } from "../graph/graph.js";
import type { Pass } from "../record/recordedStep.js";
import { writer } from "./channelArithmetic.js";
import { follower, type Surroundings, surroundingsOf } from "./followers.js";

const NORMALIZATION = "FusedBatchNormV3";

/** The batch normalisation by running statistics that alone follows a convolution. */
function inferenceAfter(context: Surroundings, convolution: GraphNode): GraphNode | undefined {
  const node = follower(context, convolution, NORMALIZATION);
  if (node === undefined || attributeReader(node)("is_training") !== false) return undefined;
  const [, filter = ""] = convolution.inputs;
  if (shapeBehind(context.byName, filter) === undefined) return undefined;
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
  const { name, shapes: [images] = [] } = node;
  const channels = [images?.at(-1) as number];
  const made: GraphNode[] = [];
  const to = writer(name, made, channels);
  const epsilon = to.float("epsilon", attributeReader(node)("epsilon") as number);
  const inverse = to.rsqrt("inverse", to.plus("above_zero", variance, epsilon));
  const scale = to.mul("scale", inverse, gamma);
  const scaled = to.mul("filter", filter, scale, shapeBehind(byName, filter));
  const bias = to.sub("bias", beta, to.mul("moved", mean, scale));
  return [
    ...made,
    { ...convolution, inputs: [x, scaled, ...control] },
    {
      name,
      op: "BiasAdd",
      inputs: [convolution.name, bias],
      attributes: { T: { type: DT.float }, data_format: { string: "NHWC" } },
      ...(images && { shapes: [images] }),
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
