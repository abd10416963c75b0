import { fusedBatchNorm, OWN_BATCH_NORM } from "../../../ops/own.js";
import { type GraphNode, nodeOf, renamer } from "../../graph/graph.js";
import { follower, type Surroundings, sumAfter, surroundingsOf } from "../followers.js";
import type { Pass } from "../pass.js";

/** What a batch normalisation takes along: nodes, the last of them in the place of the whole, and the image that is added. */
interface Taken {
  readonly nodes: readonly GraphNode[];
  readonly term: string | undefined;
  readonly relu: boolean;
}

/** @param isThere whether a tensor is there before the batch normalisation */
function takenAlong(
  surroundings: Surroundings,
  node: GraphNode,
  isThere: (ref: string) => boolean,
): Taken | undefined {
  const summed = sumAfter(surroundings, node);
  if (summed !== undefined && !isThere(summed.term)) return undefined;
  const relu = follower(surroundings, summed?.sum ?? node, "Relu");
  const nodes = [summed?.sum, relu].filter((each) => each !== undefined);
  return nodes.length === 0 ? undefined : { nodes, term: summed?.term, relu: relu !== undefined };
}

/**
 * Our own batch normalisation joined with the sum and the ReLU that follow it, where nothing else looks at what lies
 * between: images are written once instead of three times. The same roundings in the same order, so the bits stay.
 */
export const fuseBatchNorm: Pass = (step) => {
  const surroundings = surroundingsOf(step);
  const there = new Set<string>();
  // Where the result of each node that was taken along is found now.
  const moved = new Map<string, string>();
  const place = renamer(moved);
  const nodes = step.nodes.flatMap((node) => {
    const isTaken = moved.has(node.name);
    const taken =
      node.op === OWN_BATCH_NORM
        ? takenAlong(surroundings, node, (ref) => there.has(nodeOf(ref)))
        : undefined;
    there.add(node.name);
    for (const { name } of taken?.nodes ?? []) moved.set(name, node.name);
    if (isTaken) return [];
    const inputs = [...node.inputs, ...(taken?.term === undefined ? [] : [taken.term])].map(place);
    if (taken === undefined) return [{ ...node, inputs }];
    const op = fusedBatchNorm({ sum: taken.term !== undefined, relu: taken.relu });
    return [{ ...node, op, inputs }];
  });
  const updates = step.updates.map(([variable, ref]) => [variable, place(ref)] as const);
  return { ...step, nodes, updates };
};
