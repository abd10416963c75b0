import { choice } from "../../../common/optionRow.js";
import {
  type Scalar,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tf,
} from "../../../runtime/tf.js";
import type { ClassMaps, Pair, TwoOutputs } from "../../method.js";
import { regionLogits, regionRows, regionWeights } from "./regions.js";
import { classifierOf } from "./teacherClassifier.js";

export const SDD_PAPER = "Wei et al., Scale Decoupled Distillation, CVPR 2024";
export const SDD_CODE = "shicaiwei123/SDD-CVPR2024 e412036";

type Finest = "1" | "2" | "4";

/** The scales of both methods. */
export const SCALE_OPTIONS = {
  sdd_M: choice<Finest, Finest>(
    ["1", "2", "4"],
    "4",
    "Cells along a side of the map at the finest scale, of 1, 2 and 4: the authors' [1,2,4].",
    { touches: "numbers" },
  ),
};

/** A loss of each row of logits [M, C]: [M]. */
type LossOfEach = (student: Tensor2D, teacher: Tensor2D) => Tensor1D;

/**
 * The mean of a loss over all regions of all images, each with its weight.
 * @param maps region logits [N, 1, regions, classes] of both models
 * @param labels [N], int32
 */
export function regionLoss(
  { student, teacher }: ClassMaps,
  labels: Tensor1D,
  lossOfEach: LossOfEach,
): Scalar {
  const each = lossOfEach(regionRows(student), regionRows(teacher));
  return tf.mean(tf.mul(each, regionWeights(teacher, labels)));
}

/** How both models' region logits are made of the maps that they average. */
export function regionsOf(
  pair: Pair,
  { sdd_M }: { readonly sdd_M: Finest },
): (at: TwoOutputs) => ClassMaps {
  const [ours, theirs] = [classifierOf(pair.student), classifierOf(pair.teacher)];
  const finest = Number(sdd_M);
  return ({ student, teacher }) => ({
    student: regionLogits(student.averaged as Tensor4D, ours, finest),
    teacher: regionLogits(teacher.averaged as Tensor4D, theirs, finest),
  });
}
