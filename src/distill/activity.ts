import { type Tensor, type Tensor4D, tf } from "../runtime/tf.js";
import { normalizedRows } from "./rows.js";

/** How active each place of a map [N, H, W, C] is: the mean of squares over channels, of length 1. @returns [N, H * W] */
export function activity(map: Tensor4D): Tensor {
  const [images, height, width] = map.shape;
  const energy = tf.mean(tf.square(map), -1);
  return normalizedRows(tf.reshape(energy, [images, height * width]));
}
