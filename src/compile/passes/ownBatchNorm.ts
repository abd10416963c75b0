import { OWN_BATCH_NORM, OWN_BATCH_NORM_GRADIENT } from "../../ops/own.js";
import { attributeReader, type GraphNode, nodeOf, outputOf } from "../graph/graph.js";
import type { Pass } from "./pass.js";

/** The output of ours that each of FusedBatchNormV3's is: two of the three that its gradient reads are mean and deviation. */
const OUTPUTS: readonly (number | undefined)[] = [0, 1, 2, 1, 3, undefined];

const ofOutput = (name: string, output: number): string =>
  output === 0 ? name : `${name}:${output}`;

const isTraining = (node: GraphNode): boolean =>
  node.op === "FusedBatchNormV3" && attributeReader(node)("is_training") === true;

function forward(node: GraphNode): GraphNode {
  const [images, channels] = node.shapes ?? [];
  return {
    ...node,
    op: OWN_BATCH_NORM,
    inputs: node.inputs.slice(0, 3),
    attributes: { epsilon: node.attributes.epsilon as GraphNode["attributes"][string] },
    ...(images && channels && { shapes: [images, channels, channels, channels] }),
  };
}

function gradient(node: GraphNode): GraphNode {
  return {
    ...node,
    op: OWN_BATCH_NORM_GRADIENT,
    inputs: node.inputs.slice(0, 5),
    attributes: {},
    ...(node.shapes && { shapes: node.shapes.slice(0, 3) }),
  };
}

/**
 * Our own op for batch normalisation in training and its gradient, on all threads: oneDNN's runs on one. It sums in another
 * order, so the last bits are others; for precisions that do not promise them.
 */
export const ownBatchNorm: Pass = (step) => {
  const taken = new Set(step.nodes.filter(isTraining).map(({ name }) => name));
  const place = (ref: string): string => {
    const output = taken.has(nodeOf(ref)) ? OUTPUTS[outputOf(ref)] : undefined;
    return output === undefined ? ref : ofOutput(nodeOf(ref), output);
  };
  const nodes = step.nodes.map((given) => {
    const node = { ...given, inputs: given.inputs.map(place) };
    if (taken.has(node.name)) return forward(node);
    const isItsGradient =
      node.op === "FusedBatchNormGradV3" && taken.has(nodeOf(given.inputs[3] ?? ""));
    return isItsGradient ? gradient(node) : node;
  });
  const updates = step.updates.map(([variable, ref]) => [variable, place(ref)] as const);
  return { ...step, nodes, updates };
};
