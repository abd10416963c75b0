import { sumOfSquares } from "../../../nn/gradients/squares.js";
import { type Tensor, type Tensor4D, tf } from "../../../runtime/tf.js";
import { normalizedRows } from "../vectors/rows.js";

/** How active each place of a map [N, H, W, C] is: the mean of squares over channels, of length 1. @returns [N, H * W] */
export function activity(map: Tensor4D): Tensor {
  const [images, height, width, channels] = map.shape;
  const energy = tf.div(sumOfSquares(map, 3), channels);
  return normalizedRows(tf.reshape(energy, [images, height * width]));
}
