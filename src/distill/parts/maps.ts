import { inputError } from "../../common/errors.js";
import type { ModelBuilder } from "../../nn/builder.js";
import { transposedConvolution } from "../../nn/convolution/transposed.js";
import { sumOfSquares } from "../../nn/gradients.js";
import { batchNorm, convolution } from "../../nn/layers.js";
import type { ForwardContext, ModelOutput } from "../../nn/model.js";
import { adaptiveAveragePool, type MapSize } from "../../nn/pool.js";
import { type Scalar, type Tensor, type Tensor4D, tf } from "../../runtime/tf.js";
import type { FeatureShapes, Pair } from "../method.js";
import { normalizedRows } from "./losses.js";

/** From a student's map [N, H, W, C] to a teacher's shape. */
export type Regress = (map: Tensor4D, context: ForwardContext) => Tensor4D;

/** 3x3 stride 2 to half the size, transposed 4x4 stride 2 to double, else a kernel that fits without padding. */
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

/** RepDistiller's ConvReg without ReLU, to the other map's size. @throws inputError if impossible */
export function convRegressor(make: ModelBuilder, name: string, paired: PairedMaps): Regress {
  const regress = joining(make, `${name}.conv`, paired);
  const norm = batchNorm(make, `${name}.bn`, paired.teacher[2]);
  return (map, context) => norm(regress(map), context);
}

/** Spatial attention of a map [N, H, W, C]: mean square over channels, L2-normalised. @returns [N, H * W] */
export function activity(map: Tensor4D): Tensor {
  const [images, height, width, channels] = map.shape;
  const energy = tf.div(sumOfSquares(map, 3), channels);
  return normalizedRows(tf.reshape(energy, [images, height * width]));
}

/** Shapes [H, W, C] of compared maps. */
export interface PairedMaps {
  readonly student: readonly [height: number, width: number, channels: number];
  readonly teacher: readonly [height: number, width: number, channels: number];
}

/** A pair's maps, first with first and so on. @throws inputError for unequal numbers */
export function pairedMaps({ student, teacher }: Pick<Pair, "student" | "teacher">): PairedMaps[] {
  const [ours, theirs] = [student.maps, teacher.maps];
  if (ours.length !== theirs.length) {
    throw inputError(
      `The method compares maps one by one, but the student has ${ours.length} and the teacher ${theirs.length}.`,
      "Choose models with equally many stages (pefd models), or a method that compares vectors or logits.",
    );
  }
  return ours.map((shape, i) => ({ student: shape, teacher: theirs[i] }) as unknown as PairedMaps);
}

/** For docs/methods.md, of methods with zippedMaps. */
export const UNEQUAL_MAPS =
  "Where student and teacher have unequally many maps, the last ones of the longer list take no part, as in the authors' loop; a notice says so.";

/** pairedMaps that end with the shorter list, as the authors' zip. @returns maps, and a notice if some are skipped */
export function zippedMaps({ student, teacher }: Pick<Pair, "student" | "teacher">) {
  const counts = [student.maps.length, teacher.maps.length];
  const count = Math.min(...counts);
  const first = ({ maps, ...rest }: FeatureShapes) => ({ ...rest, maps: maps.slice(0, count) });
  return {
    maps: pairedMaps({ student: first(student), teacher: first(teacher) }),
    ...(Math.max(...counts) > count && { notices: [leftOut(counts, `first ${count}`)] }),
  };
}

/** A notice on skipped maps. @param counts student's, teacher's */
export const leftOut = ([ours, theirs]: readonly number[], compared: string): string =>
  `The student has ${ours} maps and the teacher ${theirs}: the ${compared} of each are compared, as in the authors' code.`;

const sizeOf = (map: Tensor4D): MapSize => [map.shape[1], map.shape[2]];

/** Two maps [N, H, W, C] of one height and width, the larger average-pooled, as in RepDistiller. */
export function toSmaller(one: Tensor4D, other: Tensor4D): [one: Tensor4D, other: Tensor4D] {
  const [a, b] = [sizeOf(one), sizeOf(other)];
  const smaller: MapSize = [Math.min(a[0], b[0]), Math.min(a[1], b[1])];
  return [adaptiveAveragePool(one, smaller), adaptiveAveragePool(other, smaller)];
}

/** Sum of a scalar term over a pair's maps of equal size. @param count see pairedMaps */
export function sumOverMaps(
  { student, teacher }: { readonly student: ModelOutput; readonly teacher: ModelOutput },
  count: number,
  term: (ours: Tensor4D, theirs: Tensor4D, index: number) => Tensor,
): Scalar {
  const terms = Array.from({ length: count }, (_, i) => {
    const [ours, theirs] = [student.maps[i]?.out, teacher.maps[i]?.out];
    return term(...toSmaller(ours as Tensor4D, theirs as Tensor4D), i);
  });
  return terms.reduce((sum, each) => tf.add(sum, each)) as Scalar;
}
