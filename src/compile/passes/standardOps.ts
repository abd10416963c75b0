import { standardOp } from "../../ops/ops.js";
import type { Pass } from "./pass.js";

/** TensorFlow's own ops in the place of ours, for graphs that leave this process or its processor's float32 kernels. */
export const useStandardOps: Pass = (step) => ({
  ...step,
  nodes: step.nodes.map((node) => ({ ...node, op: standardOp(node.op) })),
});
