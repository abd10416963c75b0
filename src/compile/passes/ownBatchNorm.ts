import { OWN_BATCH_NORM, OWN_BATCH_NORM_GRADIENT } from "../../ops/own.js";
import { type GraphNode, outputRef } from "../graph/graph.js";
import { type Replacement, replaceBatchNorms } from "./batchNorms.js";
import type { Pass } from "./pass.js";

function forward(node: GraphNode): Replacement {
  const [images, channels] = node.shapes ?? [];
  const own: GraphNode = {
    ...node,
    op: OWN_BATCH_NORM,
    inputs: node.inputs.slice(0, 3),
    attributes: { epsilon: node.attributes.epsilon as GraphNode["attributes"][string] },
    ...(images && channels && { shapes: [images, channels, channels, channels] }),
  };
  // y, mean, variance, and of what the gradient reads the mean again and the inverse deviation.
  return { nodes: [own], outputs: [0, 1, 2, 1, 3].map((output) => outputRef(node.name, output)) };
}

function gradient(node: GraphNode): Replacement {
  const own: GraphNode = {
    ...node,
    op: OWN_BATCH_NORM_GRADIENT,
    inputs: node.inputs.slice(0, 5),
    attributes: {},
    ...(node.shapes && { shapes: node.shapes.slice(0, 3) }),
  };
  return { nodes: [own], outputs: [0, 1, 2].map((output) => outputRef(node.name, output)) };
}

/**
 * Our own op for batch normalisation in training and its gradient, on all threads: oneDNN's runs on one. It sums in another
 * order, so the last bits are others; for precisions that do not promise them.
 */
export const ownBatchNorm: Pass = (step) => replaceBatchNorms(step, forward, gradient);
