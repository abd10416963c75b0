import { standardOp } from "../../ops/ops.js";
import { type GraphNode, nodesByName, shapeBehind } from "../graph/graph.js";
import { groupsApart } from "./groupsApart.js";
import type { Pass } from "./pass.js";

/** TensorFlow's own ops in the place of ours, for graphs that leave this process or its processor's float32 kernels. */
export const useStandardOps: Pass = (step) => {
  const byName = nodesByName(step.nodes);
  const shapeOf = (ref: string) => shapeBehind(byName, ref);
  const standard = (node: GraphNode): GraphNode => ({ ...node, op: standardOp(node.op) });
  return { ...step, nodes: step.nodes.flatMap((node) => groupsApart(standard(node), shapeOf)) };
};
