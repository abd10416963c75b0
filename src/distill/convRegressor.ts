import { inputError } from "../common/errors.js";
import type { ModelBuilder } from "../nn/builder.js";
import { batchNorm, convolution } from "../nn/layers.js";
import type { ForwardContext } from "../nn/model.js";
import { transposedConvolution } from "../nn/transposedConvolution.js";
import type { Tensor4D } from "../runtime/tf.js";
import type { PairedMaps } from "./maps.js";

/** From a student's map [N, H, W, C] to one of the teacher's shape. */
export type Regress = (map: Tensor4D, context: ForwardContext) => Tensor4D;

/**
 * RepDistiller's ConvReg without its ReLU: a convolution with bias, then batch normalisation. To half the size it is 3x3
 * with stride 2, to twice the size a transposed 4x4 with stride 2, else as large as it takes without padding.
 * @throws inputError where no such convolution leads from one size to the other
 */
export function convRegressor(
  make: ModelBuilder,
  name: string,
  { student, teacher }: PairedMaps,
): Regress {
  const [[height, width, inputs], [tall, wide, outputs]] = [student, teacher];
  const channels = { inputs, outputs };
  const regress = (() => {
    if (height === 2 * tall && width === 2 * wide) {
      return convolution(make, `${name}.conv`, {
        ...{ ...channels, kernel: 3, stride: 2, padding: 1, bias: true },
      });
    }
    if (2 * height === tall && 2 * width === wide) {
      const geometry = { kernel: 4, stride: 2, padding: 1 };
      return transposedConvolution(make, `${name}.conv`, { ...channels, ...geometry });
    }
    const kernel = 1 + height - tall;
    if (kernel < 1 || kernel !== 1 + width - wide) {
      throw inputError(
        `No regressor leads from the student's map of ${height}x${width} to the teacher's of ${tall}x${wide}.`,
        "Choose maps of one size, of twice the size, or a student's that is larger.",
      );
    }
    return convolution(make, `${name}.conv`, {
      ...{ ...channels, kernel, stride: 1, padding: 0, bias: true },
    });
  })();
  const norm = batchNorm(make, `${name}.bn`, outputs);
  return (map, context) => norm(regress(map), context);
}
