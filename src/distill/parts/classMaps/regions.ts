import { adaptiveAveragePool } from "../../../nn/pool.js";
import {
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tf,
} from "../../../runtime/tf.js";
import type { Classifier } from "./teacherClassifier.js";

/** Cells along a side of a map, from the whole to the finest. */
const SCALES = [1, 2, 4] as const;
const FINEST = 4;

/**
 * Logits of a map's cells at each scale, the whole map first. The map is averaged to 4 x 4 cells, larger cells are averages
 * of these, as the authors' code has it.
 * @param map [N, H, W, C]
 * @param finest cells along a side at the finest scale
 * @returns [N, 1, regions, classes]
 */
export function regionLogits(map: Tensor4D, { logits }: Classifier, finest: number): Tensor4D {
  const [images, , , channels] = map.shape;
  const cells = tf.reshape(adaptiveAveragePool(map, [FINEST, FINEST]), [-1, channels]);
  const found = logits(cells as Tensor2D);
  const ofCells = tf.reshape(found, [images, FINEST, FINEST, -1]) as Tensor4D;
  const scales = SCALES.filter((scale) => scale <= finest).map((scale) => {
    const means = adaptiveAveragePool(ofCells, [scale, scale]);
    return tf.reshape(means, [images, 1, scale * scale, found.shape[1]]) as Tensor4D;
  });
  return scales.length === 1 ? (scales[0] as Tensor4D) : tf.concat(scales, 2);
}

/** Region logits with one row for each region of each image: [N * regions, classes]. */
export const regionRows = (regions: Tensor4D): Tensor2D =>
  tf.reshape(regions, [-1, regions.shape[3]]);

/** One row for each image [N, C], repeated for each of its regions: [N * regions, C]. */
export function repeatedRows(rows: Tensor2D, regions: number): Tensor2D {
  const [images, size] = rows.shape;
  const repeated = tf.tile(tf.reshape(rows, [images, 1, size]), [1, regions, 1]);
  return tf.reshape(repeated, [images * regions, size]);
}

/**
 * The weight of each region: 2 where the teacher is right of the region and wrong of the whole or the other way round, else 1.
 * @param teacher region logits [N, 1, regions, classes], the whole first
 * @param labels [N], int32
 * @returns [N * regions]
 */
export function regionWeights(teacher: Tensor4D, labels: Tensor1D): Tensor1D {
  const [images, , regions, classes] = teacher.shape;
  const chosen = tf.argMax(tf.reshape(teacher, [images, regions, classes]), 2);
  const isRight: Tensor = tf.cast(tf.equal(chosen, tf.reshape(labels, [images, 1])), "float32");
  const whole = tf.slice(isRight, [0, 0], [images, 1]);
  return tf.reshape(tf.add(tf.square(tf.sub(isRight, whole)), 1), [images * regions]);
}
