import { ownOp } from "../../ops/ops.js";
import type { Pass } from "./pass.js";

/** Our ops that take the attribute (src/native/ops/convolution/convolution_ops.cc). */
const TAKE_IT: ReadonlySet<string> = new Set(
  ["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"].map(ownOp),
);

/**
 * Has our own convolutions and their gradients multiply in bfloat16, by the processor's units for matrices. They take and
 * give float32: only what is multiplied is rounded, so that nothing between them changes and nothing has to be cast.
 * Convolutions of several groups take no notice, and stay float32.
 */
export const multiplyInBfloat16: Pass = (step) => ({
  ...step,
  nodes: step.nodes.map((node) =>
    TAKE_IT.has(node.op)
      ? { ...node, attributes: { ...node.attributes, reduced: { bool: true } } }
      : node,
  ),
});
