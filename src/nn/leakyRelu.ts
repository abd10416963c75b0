import { type Tensor, tf } from "../runtime/tf.js";

/** max(x, slope * x) for a slope below 1, any shape; the gradient at 0 is 1, where PyTorch's is the slope. */
export const leakyRelu = <T extends Tensor>(x: T, slope: number): T =>
  tf.maximum(x, tf.mul(x, slope)) as T;
