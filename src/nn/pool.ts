import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../runtime/tf.js";

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
 * torch.nn.functional.avg_pool2d: padding counts as zeros, so that every mean is of kernel^2 elements. TensorFlow's
 * SAME counts only what is there.
 * @param x [N, H, W, C]
 * @returns [N, H', W', C]
 */
export function averagePool(
  x: Tensor4D,
  { kernel, stride, padding = 0 }: Omit<PoolGeometry, "padding"> & { readonly padding?: number },
): Tensor4D {
  const sides: [number, number] = [padding, padding];
  const padded = padding === 0 ? x : tf.pad(x, [[0, 0], sides, sides, [0, 0]]);
  return tf.avgPool(padded, kernel, stride, "valid");
}

/** Mean over height and width, whatever they are. @returns [N, C] from [N, H, W, C] */
export const globalAveragePool = (x: Tensor4D): Tensor2D => tf.mean(x, [1, 2]);

/** Height and width of a map. */
export type MapSize = readonly [height: number, width: number];

/**
 * torch.nn.functional.adaptive_avg_pool2d: element i of `to` is the mean of the elements floor(i * from / to) to
 * ceil((i + 1) * from / to) - 1, along both axes.
 * @param x [N, H, W, C]
 * @returns [N, height, width, C]
 */
export function adaptiveAveragePool(x: Tensor4D, [height, width]: MapSize): Tensor4D {
  const [images, rows, columns, channels] = x.shape;
  if (rows === height && columns === width) return x;
  const kernel = rows / height;
  if (Number.isInteger(kernel) && kernel * width === columns) {
    return averagePool(x, { kernel, stride: kernel });
  }
  const inLines = tf.reshape(x, [images, rows, columns * channels]);
  const shorter = tf.matMul(windowMeans(rows, height), inLines);
  const inColumns = tf.reshape(shorter, [images * height, columns, channels]);
  const narrower = tf.matMul(windowMeans(columns, width), inColumns);
  return tf.reshape(narrower, [images, height, width, channels]);
}

/** The matrix [1, to, from] whose product with a column takes the means of windows that may overlap. */
function windowMeans(from: number, to: number): Tensor {
  const values = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const [first, end] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)];
    values.fill(1 / (end - first), i * from + first, i * from + end);
  }
  return tf.tensor(values, [1, to, from]);
}
