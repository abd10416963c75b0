import { DT, nativeBackend, typeAttribute } from "../../runtime/native.js";
import { type Scalar, type Tensor, tf } from "../../runtime/tf.js";
import { defineOp } from "../defineOp.js";

const scaledGradientOp = defineOp({
  name: "scaledGradient",
  inputs: ["x", "factor"],
  outputs: ["y"],
  saved: ["factor"],
  forward: ({ x }) => [
    nativeBackend().executeSingleOutput("Identity", [typeAttribute("T", DT.float)], [x]),
  ],
  gradient: (dy, { factor }) => ({ x: () => tf.mul(dy, factor) }),
});

/**
 * x as it is, any shape; the gradient that reaches it is multiplied by a factor. One below 0 turns descent into ascent
 * (Ganin and Lempitsky, Unsupervised Domain Adaptation by Backpropagation, ICML 2015).
 */
export const scaledGradient = <T extends Tensor>(x: T, factor: Scalar): T =>
  scaledGradientOp({ x, factor }).y as T;
