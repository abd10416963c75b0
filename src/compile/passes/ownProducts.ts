import { ownOp } from "../../ops/ops.js";
import type { Pass } from "./pass.js";

/** Our ops that take the attribute (src/native/ops/convolution/convolution_ops.cc). */
const TAKE_IT: ReadonlySet<string> = new Set(
  ["Conv2D", "Conv2DBackpropInput", "Conv2DBackpropFilter"].map(ownOp),
);

/**
 * Has our own convolutions and their gradients multiply numbers of 16 bits, by what the processor has for them. They take and
 * give float32: only what is multiplied is rounded, so that nothing between them changes and nothing has to be cast.
 * Convolutions of several groups take no notice, and stay float32.
 */
export const reduceOwnProducts: Pass = (step) => ({
  ...step,
  nodes: step.nodes.map((node) =>
    TAKE_IT.has(node.op)
      ? { ...node, attributes: { ...node.attributes, reduced: { bool: true } } }
      : node,
  ),
});
