import { standardOp } from "../../ops/ops.js";
import type { GraphNode } from "../graph/graph.js";

/** TensorFlow's own ops in the place of ours, for graphs that leave this process or its processor's float32 kernels. */
export const withStandardOps = (nodes: readonly GraphNode[]): GraphNode[] =>
  nodes.map((node) => ({ ...node, op: standardOp(node.op) }));
