import { choice } from "../../common/optionRow.js";
import { biasAdd } from "../../nn/layers.js";
import type { Role } from "../../nn/model.js";
import { adaptiveAveragePool } from "../../nn/pool.js";
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, type Tensor4D, tf } from "../../runtime/tf.js";
import type { ClassMaps, FeatureShapes, Pair, TwoOutputs } from "../method.js";

interface Classifier {
  /** [classes, C] */
  readonly weight: Tensor2D;
  /** [classes] */
  readonly bias: Tensor;
  logits(vectors: Tensor2D): Tensor2D;
}

/** A model's classifier, its last linear layer. @throws Error without one */
export function classifierOf({ state }: Pick<FeatureShapes, "state">): Classifier {
  const last = (role: Role): Tensor => {
    const found = state.findLast((entry) => entry.role === role)?.variable;
    if (found === undefined) throw new Error(`The model has no ${role}.`);
    return found;
  };
  const weight = last("linear.weight") as Tensor2D;
  const bias = last("linear.bias");
  const logits = (vectors: Tensor2D): Tensor2D => biasAdd(tf.matMul(vectors, weight, false, true), bias);
  return { weight, bias, logits };
}

/** The teacher's classifier, frozen. */
export const teacherClassifier = ({ teacher }: Pick<Pair, "teacher">): Classifier => classifierOf(teacher);

export const SDD_PAPER = "Wei et al., Scale Decoupled Distillation, CVPR 2024";
export const SDD_CODE = "shicaiwei123/SDD-CVPR2024 e412036";

type Finest = "1" | "2" | "4";

export const SCALE_OPTIONS = {
  sdd_M: choice<Finest, Finest>(
    ["1", "2", "4"],
    "4",
    "Cells along a side of the map at the finest scale, of 1, 2 and 4: the authors' [1,2,4].",
    { touches: "numbers" },
  ),
};

type LossOfEach = (student: Tensor2D, teacher: Tensor2D) => Tensor1D;

/** Weighted mean over regions and images. @param maps [N, 1, regions, classes] @param labels [N], int32 */
export function regionLoss({ student, teacher }: ClassMaps, labels: Tensor1D, lossOfEach: LossOfEach): Scalar {
  const each = lossOfEach(regionRows(student), regionRows(teacher));
  return tf.mean(tf.mul(each, regionWeights(teacher, labels)));
}

/** Region logits of both last maps. */
export function regionsOf(pair: Pair, { sdd_M }: { readonly sdd_M: Finest }): (at: TwoOutputs) => ClassMaps {
  const [ours, theirs] = [classifierOf(pair.student), classifierOf(pair.teacher)];
  const finest = Number(sdd_M);
  return ({ student, teacher }) => ({
    student: regionLogits(student.averaged as Tensor4D, ours, finest),
    teacher: regionLogits(teacher.averaged as Tensor4D, theirs, finest),
  });
}

/** Cells along a side, coarse to fine. */
const SCALES = [1, 2, 4] as const;
const FINEST = 4;

/** Region logits [N, 1, regions, classes] of a map at each scale, the whole first. @param finest cells along a side */
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

/** [N, 1, regions, classes] as [N * regions, classes]. */
const regionRows = (regions: Tensor4D): Tensor2D => tf.reshape(regions, [-1, regions.shape[3]]);

/** Each row [N, C] repeated per region: [N * regions, C]. */
export function repeatedRows(rows: Tensor2D, regions: number): Tensor2D {
  const [images, size] = rows.shape;
  const repeated = tf.tile(tf.reshape(rows, [images, 1, size]), [1, regions, 1]);
  return tf.reshape(repeated, [images * regions, size]);
}

/** Weights [N * regions]: 2 where the teacher [N, 1, regions, classes] is right on one of region and image, else 1. */
export function regionWeights(teacher: Tensor4D, labels: Tensor1D): Tensor1D {
  const [images, , regions, classes] = teacher.shape;
  const chosen = tf.argMax(tf.reshape(teacher, [images, regions, classes]), 2);
  const isRight: Tensor = tf.cast(tf.equal(chosen, tf.reshape(labels, [images, 1])), "float32");
  const whole = tf.slice(isRight, [0, 0], [images, 1]);
  return tf.reshape(tf.add(tf.square(tf.sub(isRight, whole)), 1), [images * regions]);
}
