import { DT, nativeBackend, typeAttribute } from "../runtime/native.js";
import { type Tensor, type Tensor2D, type Tensor4D, tf } from "../runtime/tf.js";
import { defineOp } from "./defineOp.js";

const repeatOp = defineOp({
  name: "repeatPixels",
  inputs: ["x"],
  outputs: ["y"],
  saved: [],
  forward: ({ x }, { rows, columns }: { rows: number; columns: number }) => {
    const [images, height, width, channels] = x.shape as Tensor4D["shape"];
    const apart = tf.reshape(x, [images, height, 1, width, 1, channels]);
    const multiples = tf.tensor1d([1, 1, rows, 1, columns, 1], "int32");
    const attributes = [typeAttribute("T", DT.float), typeAttribute("Tmultiples", DT.int32)];
    const repeated = nativeBackend().executeSingleOutput("Tile", attributes, [apart, multiples]);
    return [tf.reshape(repeated, [images, height * rows, width * columns, channels])];
  },
  // The sum of a window is its mean times its size: pooling is several times as fast as a sum over inner axes.
  gradient: (dy, _, { rows, columns }) => ({
    x: () => {
      const means = tf.avgPool(dy as Tensor4D, [rows, columns], [rows, columns], "valid");
      return tf.mul(means, rows * columns);
    },
  }),
});

/** Whether one size is a whole multiple of the other, in height and width alike. */
export const isWholeMultiple = ([height, width]: MapSize, [rows, columns]: MapSize): boolean =>
  (height % rows === 0 && width % columns === 0) || (rows % height === 0 && columns % width === 0);

/**
 * torch.nn.functional.interpolate(mode="nearest") of x [N, H, W, C]: element i of `to` is element floor(i * from / to),
 * along both axes.
 * @throws RangeError where neither size is a whole multiple of the other
 */
export function nearestResize(x: Tensor4D, [height, width]: MapSize): Tensor4D {
  const [, rows, columns] = x.shape;
  if (rows === height && columns === width) return x;
  if (height % rows === 0 && width % columns === 0) {
    return repeatOp({ x }, { rows: height / rows, columns: width / columns }).y as Tensor4D;
  }
  const stride = rows / height;
  if (Number.isInteger(stride) && stride * width === columns) {
    return averagePool(x, { kernel: 1, stride });
  }
  throw new RangeError(`A map of ${rows} x ${columns} is not resized to ${height} x ${width}.`);
}

/** A square window, moved by `stride`; symmetric padding, as in PyTorch. */
export type PoolGeometry = { readonly kernel: number; readonly stride: number; readonly padding: number };

function padded(x: Tensor4D, padding: number, value = 0): Tensor4D {
  const sides: [number, number] = [padding, padding];
  return padding === 0 ? x : tf.pad(x, [[0, 0], sides, sides, [0, 0]], value);
}

/** Below every finite activation, so that padding never is the maximum. */
const LOWEST = -3.4028234663852886e38;

/** torch.nn.functional.max_pool2d of [N, H, W, C]; padding is its own op, as XLA and SAME have none like it. */
export function maxPool(x: Tensor4D, { kernel, stride, padding }: PoolGeometry): Tensor4D {
  return tf.maxPool(padded(x, padding, LOWEST), kernel, stride, "valid");
}

/** torch.nn.functional.avg_pool2d of [N, H, W, C]: padding counts as zeros; TensorFlow's SAME counts only pixels. */
export function averagePool(
  x: Tensor4D,
  { kernel, stride, padding = 0 }: Omit<PoolGeometry, "padding"> & { readonly padding?: number },
): Tensor4D {
  return tf.avgPool(padded(x, padding), kernel, stride, "valid");
}

/** Mean over height and width. @returns [N, C] from [N, H, W, C] */
export const globalAveragePool = (x: Tensor4D): Tensor2D => tf.mean(x, [1, 2]);

/** Height and width of a map. */
export type MapSize = readonly [height: number, width: number];

/** torch.nn.functional.adaptive_avg_pool2d of [N, H, W, C]: i is the mean from floor(i f / t) to ceil((i + 1) f / t). */
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

/** The matrix [1, to, from] of the means of windows that may overlap. */
function windowMeans(from: number, to: number): Tensor {
  const values = new Float32Array(to * from);
  for (let i = 0; i < to; i++) {
    const [first, end] = [Math.floor((i * from) / to), Math.ceil(((i + 1) * from) / to)];
    values.fill(1 / (end - first), i * from + first, i * from + end);
  }
  return tf.tensor(values, [1, to, from]);
}
