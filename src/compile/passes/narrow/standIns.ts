import { type GraphNode, isControl, nodesByName, renamer } from "../../graph/graph.js";
import type { RecordedStep } from "../../record/recordedStep.js";

/** What is read in the place of a node's result; undefined where the node stays. */
export type StandIn = (
  node: GraphNode,
  byName: ReadonlyMap<string, GraphNode>,
) => string | undefined;

/** A step without the nodes that have a stand-in; one that waits for others stays. */
export function withStandIns(step: RecordedStep, standIn: StandIn): RecordedStep {
  const byName = nodesByName(step.nodes);
  const moved = new Map<string, string>();
  const place = renamer(moved);
  const nodes = step.nodes.flatMap((node) => {
    const ref = node.inputs.some(isControl) ? undefined : standIn(node, byName);
    if (ref === undefined) return [{ ...node, inputs: node.inputs.map(place) }];
    moved.set(node.name, place(ref));
    return [];
  });
  const updates = step.updates.map(([variable, ref]) => [variable, place(ref)] as const);
  return { ...step, nodes, updates };
}
