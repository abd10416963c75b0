import { isControl, nodesByName, renamer, sameShape, shapeBehind } from "../../graph/graph.js";
import type { Pass } from "../pass.js";

/**
 * Without reshapes to the shape that is there already, as gradients of sums have them: what stands between two nodes keeps
 * them from being taken together.
 */
export const dropEqualReshapes: Pass = (step) => {
  const byName = nodesByName(step.nodes);
  const moved = new Map<string, string>();
  const place = renamer(moved);
  const nodes = step.nodes.flatMap((node) => {
    const inputs = node.inputs.map(place);
    const [ref = ""] = node.inputs;
    const before = shapeBehind(byName, ref);
    const isEqual =
      node.op === "Reshape" && !inputs.some(isControl) && sameShape(before, node.shapes?.[0]);
    if (!isEqual) return [{ ...node, inputs }];
    moved.set(node.name, place(ref));
    return [];
  });
  const updates = step.updates.map(([variable, ref]) => [variable, place(ref)] as const);
  return { ...step, nodes, updates };
};
