import { type Tensor, tf } from "../runtime/tf.js";
import { defineOp, defineUnary, floatOp } from "./defineOp.js";

/** max(x, slope * x) for a slope below 1, any shape; the gradient at 0 is 1, where PyTorch's is the slope. */
export const leakyRelu = <T extends Tensor>(x: T, slope: number): T => tf.maximum(x, tf.mul(x, slope)) as T;

/** One native op backward; tfjs's own gradient would take three. */
const reluOp = defineUnary("relu", "Relu", "y", (dy, y) => floatOp("ReluGrad", dy, y));
const relu6Op = defineUnary("relu6", "Relu6", "y", (dy, y) => floatOp("Relu6Grad", dy, y));

/** max(x, 0), any shape; the gradient at 0 is 0 as in PyTorch. */
export const relu = <T extends Tensor>(x: T): T => reluOp({ x }).y as T;

/** min(max(x, 0), 6), any shape; the gradient at 0 and at 6 is 0 as in PyTorch. */
export const relu6 = <T extends Tensor>(x: T): T => relu6Op({ x }).y as T;

/** The standard normal distribution's share below x, by its error function. */
const shareBelow = (x: Tensor): Tensor => tf.mul(tf.add(floatOp("Erf", tf.mul(x, Math.SQRT1_2)), 1), 0.5);

const DENSITY_AT_ZERO = 1 / Math.sqrt(2 * Math.PI);

const geluOp = defineOp({
  name: "gelu",
  inputs: ["x"],
  outputs: ["y"],
  saved: ["x"],
  forward: ({ x }) => [tf.mul(x, shareBelow(x))],
  gradient: (dy, { x }) => ({
    x: () => {
      const density = tf.mul(tf.exp(tf.mul(floatOp("Square", x), -0.5)), DENSITY_AT_ZERO);
      return tf.mul(dy, tf.add(shareBelow(x), tf.mul(x, density)));
    },
  }),
});

/** torch.nn.GELU, exact (not its tanh form): x times the standard normal distribution's share below x, any shape. */
export const gelu = <T extends Tensor>(x: T): T => geluOp({ x }).y as T;
