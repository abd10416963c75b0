import { inputError } from "../../../common/errors.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { transposedConvolution } from "../../../nn/convolution/transposed.js";
import { batchNorm, convolution } from "../../../nn/layers.js";
import type { ForwardContext } from "../../../nn/model.js";
import type { Tensor4D } from "../../../runtime/tf.js";
import type { PairedMaps } from "./pairedMaps.js";

/** From a student's map [N, H, W, C] to one of the teacher's shape. */
export type Regress = (map: Tensor4D, context: ForwardContext) => Tensor4D;

/**
 * The convolution with bias that leads from one size to the other: to half the size 3x3 with stride 2, to twice the size a
 * transposed 4x4 with stride 2, else as large as it takes without padding.
 */
function joining(make: ModelBuilder, name: string, { student, teacher }: PairedMaps) {
  const [[height, width, inputs], [tall, wide, outputs]] = [student, teacher];
  const channels = { inputs, outputs };
  if (height === 2 * tall && width === 2 * wide) {
    const shape = { ...channels, kernel: 3, stride: 2, padding: 1, bias: true };
    return convolution(make, name, shape);
  }
  if (2 * height === tall && 2 * width === wide) {
    return transposedConvolution(make, name, { ...channels, kernel: 4, stride: 2, padding: 1 });
  }
  const kernel = 1 + height - tall;
  if (kernel >= 1 && kernel === 1 + width - wide) {
    return convolution(make, name, { ...channels, kernel, stride: 1, padding: 0, bias: true });
  }
  throw inputError(
    `No regressor leads from the student's map of ${height}x${width} to the teacher's of ${tall}x${wide}.`,
    "Choose maps of one size, of twice the size, or a student's that is larger.",
  );
}

/**
 * RepDistiller's ConvReg without its ReLU: a convolution to the other map's size, then batch normalisation.
 * @throws inputError where no such convolution leads from one size to the other
 */
export function convRegressor(make: ModelBuilder, name: string, paired: PairedMaps): Regress {
  const regress = joining(make, `${name}.conv`, paired);
  const norm = batchNorm(make, `${name}.bn`, paired.teacher[2]);
  return (map, context) => norm(regress(map), context);
}
