import { type Scalar, type Tensor, type Tensor2D, tf } from "../../runtime/tf.js";
import type { StepContext } from "../method.js";
import { klOfEach } from "./logits.js";

/** Of one program's ways to weigh teachers. */
export const CA_MKD = {
  paper: "Zhang et al., Confidence-Aware Multi-Teacher Knowledge Distillation, ICASSP 2022",
  code: "Rorozhl/CA-MKD c2f39a9",
  weights: { gamma: 1, alpha: 0, beta: 1 },
  eachTeacher: true,
  shortBatches: "left out",
} as const;

export const DIVIDED = "The weighted sum is divided by the number of teachers as well as of images.";

/** All teachers, a single one as well. */
export const eachTeacher = <Of>({
  teacher,
  teachers = [teacher],
}: {
  readonly teacher: Of;
  readonly teachers?: readonly Of[];
}) => teachers;

/** One column per teacher, [N, teachers], of vectors [N]. */
export const columns = (vectors: readonly Tensor[]): Tensor2D => tf.stack([...vectors], 1) as Tensor2D;

/** Sum of weights times losses, both [N, teachers], over images and teachers, divided by the number of both. */
export const weighed = (losses: Tensor2D, weights: Tensor | number): Scalar =>
  tf.div(tf.sum(tf.mul(losses, weights)), losses.size);

/** T^2 KL(teacher, student) of each image and teacher, [N, teachers]. */
export const divergences = (at: StepContext, temperature: number): Tensor2D =>
  columns(eachTeacher(at).map(({ logits }) => klOfEach(at.student.logits, logits, temperature)));

/** Each teacher's logits, [N, C]. */
export const logitsOfEach = (at: StepContext): Tensor2D[] => eachTeacher(at).map(({ logits }) => logits);
