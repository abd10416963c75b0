import { OWN_CONVOLUTION } from "../../ops/own.js";
import { DT } from "../../runtime/native.js";
import { attributeReader, type GraphNode, nodeOf, outputOf, shapeBehind } from "../graph/graph.js";
import type { Pass } from "../record/recordedStep.js";
import { writer } from "./channelArithmetic.js";
import { follower, type Surroundings, surroundingsOf } from "./followers.js";

const NORMALIZATION = "FusedBatchNormV3";

/** The inference batch normalisation that is a convolution's only user. */
function inferenceAfter(context: Surroundings, convolution: GraphNode): GraphNode | undefined {
  const node = follower(context, convolution, NORMALIZATION);
  if (node === undefined || attributeReader(node)("is_training") !== false) return undefined;
  const [, filter = ""] = convolution.inputs;
  if (shapeBehind(context.byName, filter) === undefined) return undefined;
  // The fused op has no outputs for its statistics.
  const isStatistic = (ref: string) => nodeOf(ref) === node.name && outputOf(ref) > 0;
  const readers = context.users.get(node.name) ?? [];
  return readers.some(({ inputs }) => inputs.some(isStatistic)) ? undefined : node;
}

/** Both as one: with s = gamma / sqrt(variance + epsilon) per channel, filter times s and bias beta - mean s. */
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
 * Folds inference batch normalisation into our convolutions, as for a frozen teacher (docs/adr/0004-folded-teacher.md),
 * but from the current weights: half the memory traffic. It changes rounding, so only bfloat16 has it.
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
