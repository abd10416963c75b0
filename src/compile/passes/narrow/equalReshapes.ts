import { sameShape, shapeBehind } from "../../graph/graph.js";
import type { Pass } from "../pass.js";
import { withStandIns } from "./standIns.js";

/**
 * Without reshapes to the shape that is there already, as gradients of sums have them: what stands between two nodes keeps
 * them from being taken together.
 */
export const dropEqualReshapes: Pass = (step) =>
  withStandIns(step, (node, byName) => {
    const [ref = ""] = node.inputs;
    const isEqual = node.op === "Reshape" && sameShape(shapeBehind(byName, ref), node.shapes?.[0]);
    return isEqual ? ref : undefined;
  });
