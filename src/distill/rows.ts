import { rsqrt } from "../nn/rsqrt.js";
import { type Tensor, tf } from "../runtime/tf.js";

/** The square of PyTorch's 1e-12. */
const LEAST_SQUARE = 1e-24;

/** Vectors along the last axis divided by max(length, 1e-12): torch.nn.functional.normalize. Any shape. */
export const normalizedRows = <T extends Tensor>(x: T): T =>
  tf.mul(x, rsqrt(tf.maximum(tf.sum(tf.square(x), -1, true), LEAST_SQUARE))) as T;
