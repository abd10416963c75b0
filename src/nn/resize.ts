import { DT, nativeBackend, typeAttribute } from "../runtime/native.js";
import { type Tensor4D, tf } from "../runtime/tf.js";
import { defineOp } from "./defineOp.js";
import { averagePool, type MapSize } from "./pool.js";

/** How often each row and each column is repeated. */
interface Repeats {
  readonly rows: number;
  readonly columns: number;
}

const repeatOp = defineOp({
  name: "repeatPixels",
  inputs: ["x"],
  outputs: ["y"],
  saved: [],
  forward: ({ x }, { rows, columns }: Repeats) => {
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
 * torch.nn.functional.interpolate with mode "nearest": element i of `to` is element floor(i * from / to), along both axes.
 * @param x [N, H, W, C]
 * @returns [N, height, width, C]
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
