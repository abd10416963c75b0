import { attributeReader, type GraphNode, nodeOf, outputOf } from "../graph/graph.js";
import type { RecordedStep } from "../record/recordedStep.js";

/** What takes the place of a node: others, and what to read for each of its outputs that anybody reads, in their order. */
export interface Replacement {
  readonly nodes: readonly GraphNode[];
  readonly outputs: readonly string[];
}

/** Whether a node is a batch normalisation with the statistics of its batch. */
const isTraining = (node: GraphNode): boolean =>
  node.op === "FusedBatchNormV3" && attributeReader(node)("is_training") === true;

/**
 * A step with other nodes in the place of batch normalisation in training and of its gradient. What `gradient` is given
 * reads the fourth and fifth output of what `forward` made.
 */
export function replaceBatchNorms(
  step: RecordedStep,
  forward: (node: GraphNode) => Replacement,
  gradient: (node: GraphNode) => Replacement,
): RecordedStep {
  const replaced = new Map<string, readonly string[]>();
  const place = (ref: string): string => replaced.get(nodeOf(ref))?.[outputOf(ref)] ?? ref;
  const replacement = (given: GraphNode, node: GraphNode): Replacement | undefined => {
    if (isTraining(node)) return forward(node);
    const isItsGradient =
      node.op === "FusedBatchNormGradV3" && replaced.has(nodeOf(given.inputs[3] ?? ""));
    return isItsGradient ? gradient(node) : undefined;
  };
  const nodes = step.nodes.flatMap((given) => {
    const node = { ...given, inputs: given.inputs.map(place) };
    const made = replacement(given, node);
    if (made === undefined) return [node];
    replaced.set(node.name, made.outputs);
    return made.nodes;
  });
  const updates = step.updates.map(([variable, ref]) => [variable, place(ref)] as const);
  return { ...step, nodes, updates };
}
