import { rsqrt } from "../../../nn/gradients/rsqrt.js";
import { sumOfSquares } from "../../../nn/gradients/squares.js";
import { type Tensor, tf } from "../../../runtime/tf.js";

/** The square of PyTorch's 1e-12. */
const LEAST_SQUARE = 1e-24;

/** Vectors along an axis, or several as one, divided by max(length, 1e-12): torch.nn.functional.normalize. Any shape. */
export const normalizedAlong = <T extends Tensor>(x: T, ...axes: readonly number[]): T =>
  tf.mul(x, rsqrt(tf.maximum(sumOfSquares(x, ...axes), LEAST_SQUARE))) as T;

/** The same along the last axis. */
export const normalizedRows = <T extends Tensor>(x: T): T => normalizedAlong(x, -1);
