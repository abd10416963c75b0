import { boolAttribute, DT, nativeBackend, stringAttribute, typeAttribute } from "../runtime/native.js";
import { type Scalar, type Tensor, tf } from "../runtime/tf.js";
import { defineOp, defineUnary, floatOp } from "./defineOp.js";

const scaledGradientOp = defineOp({
  name: "scaledGradient",
  inputs: ["x", "factor"],
  outputs: ["y"],
  saved: ["factor"],
  forward: ({ x }) => [floatOp("Identity", x)],
  gradient: (dy, { factor }) => ({ x: () => tf.mul(dy, factor) }),
});

/** Identity whose gradient is multiplied by a factor; a negative one reverses it (Ganin and Lempitsky, ICML 2015). */
export const scaledGradient = <T extends Tensor>(x: T, factor: Scalar): T => scaledGradientOp({ x, factor }).y as T;

/** tfjs's own gradient is a chain with a power and constants, which graph optimizers rewrite with other rounding. */
const rsqrtOp = defineUnary("rsqrt", "Rsqrt", "y", (dy, y) => floatOp("RsqrtGrad", y, dy));

/** 1 / sqrt(x), any shape; infinite at 0. */
export const rsqrt = <T extends Tensor>(x: T): T => rsqrtOp({ x }).y as T;

/** The same values without a gradient (torch.Tensor.detach). */
export const detached = <T extends Tensor>(x: T): T => floatOp("StopGradient", x) as T;

/** tfjs's own gradient at 0 is -1; PyTorch's is 0. */
const absoluteOp = defineUnary("absolute", "Abs", "x", (dy, x) => tf.mul(dy, tf.sign(x)));

/** |x|, any shape; the gradient at 0 is 0 as in PyTorch. */
export const absolute = <T extends Tensor>(x: T): T => absoluteOp({ x }).y as T;

/**
 * A reduction over some axes, which are kept with size one, without a gradient. tfjs reshapes for that, which puts the batch
 * size into a recorded graph.
 */
export const reducedAlong = (op: "Max" | "Mean" | "Sum", x: Tensor, axes: readonly number[]): Tensor =>
  nativeBackend().executeSingleOutput(
    op,
    [boolAttribute("keep_dims", true), typeAttribute("T", DT.float), typeAttribute("Tidx", DT.int32)],
    [x, tf.tensor1d([...axes], "int32")],
  );

/** Of TensorFlow's BiasAdd and BiasAddGrad. */
export const biasAttributes = () => [typeAttribute("T", DT.float), stringAttribute("data_format", "NHWC")];

/** [..., C] as [rows, C]; else graphs fuse a bias's gradient with that of the convolution before it: other rounding. */
const asRows = (x: Tensor): Tensor => tf.reshape(x, [-1, x.shape.at(-1) as number]);

/** Sums over all axes but the last, without a gradient: that of a bias. @returns [C] */
export const sumOfRows = (x: Tensor): Tensor =>
  nativeBackend().executeSingleOutput("BiasAddGrad", biasAttributes(), [asRows(x)]);

/** tfjs's own gradient makes a tensor of ones as large as x, a constant in a recorded graph, and five passes. */
const sumOfSquaresOp = defineOp({
  name: "sumOfSquares",
  inputs: ["x"],
  outputs: ["y"],
  saved: ["x"],
  forward: ({ x }, { axes }: { axes: readonly number[] }) => [reducedAlong("Sum", floatOp("Square", x), axes)],
  gradient: (dy, { x }) => ({ x: () => tf.mul(x, tf.mul(dy, 2)) }),
});

/** Sums of squares along some axes, from the end if negative, which are kept with size one. */
export const sumOfSquares = (x: Tensor, ...axes: readonly number[]): Tensor =>
  sumOfSquaresOp({ x }, { axes: axes.map((axis) => (axis < 0 ? axis + x.rank : axis)) }).y;

/** The mean of squares over all elements. */
export function meanSquare(x: Tensor): Scalar {
  const sum = sumOfSquares(x, ...x.shape.map((_, axis) => axis));
  return tf.div(tf.reshape(sum, []), x.size);
}

/** torch.nn.functional.mse_loss: the mean of (x - y)^2 over all elements of two tensors of one shape. */
export const meanSquaredError = (x: Tensor, y: Tensor): Scalar => meanSquare(tf.sub(x, y));
