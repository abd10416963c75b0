import { type Tensor2D, type Tensor4D, tf } from "../runtime/tf.js";

/** A square window, moved by `stride`; padding is the same on all four sides, as PyTorch pads. */
export interface PoolGeometry {
  readonly kernel: number;
  readonly stride: number;
  readonly padding: number;
}

/** Below every finite activation, so that padding never is the maximum. */
const LOWEST = -3.4028234663852886e38;

/**
 * torch.nn.functional.max_pool2d. TensorFlow's SAME pads on the right only, and XLA has no pooling with explicit
 * padding, so padding is an op of its own.
 * @param x [N, H, W, C]
 * @returns [N, H', W', C]
 */
export function maxPool(x: Tensor4D, { kernel, stride, padding }: PoolGeometry): Tensor4D {
  const sides: [number, number] = [padding, padding];
  const padded = padding === 0 ? x : tf.pad(x, [[0, 0], sides, sides, [0, 0]], LOWEST);
  return tf.maxPool(padded, kernel, stride, "valid");
}

/**
 * torch.nn.functional.avg_pool2d without padding.
 * @param x [N, H, W, C]
 * @returns [N, H', W', C]
 */
export const averagePool = (
  x: Tensor4D,
  { kernel, stride }: Omit<PoolGeometry, "padding">,
): Tensor4D => tf.avgPool(x, kernel, stride, "valid");

/** Mean over height and width, whatever they are. @returns [N, C] from [N, H, W, C] */
export const globalAveragePool = (x: Tensor4D): Tensor2D => tf.mean(x, [1, 2]);
