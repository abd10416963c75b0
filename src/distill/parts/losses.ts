import { isStatistic } from "../../nn/builder.js";
import { rsqrt, sumOfSquares } from "../../nn/gradients.js";
import type { StateEntry } from "../../nn/model.js";
import { type Scalar, type Tensor, type Tensor2D, tf, type Variable } from "../../runtime/tf.js";
import type { Pair, Phase } from "../method.js";

const variables = (state: readonly StateEntry[]): Variable[] => state.flatMap(({ variable }) => variable ?? []);

/**
 * A phase that trains a student's stem and stages before its classifier, as RepDistiller's do: they train with the method's
 * additions, and later layers are in evaluation mode.
 * @param own tensors that the method adds
 */
export function featurePhase(
  { student }: Pair,
  own: readonly StateEntry[],
): Required<Pick<Phase, "learns" | "inEvaluation">> {
  const learning = new Set(student.features);
  const behind = student.state.filter((entry) => !learning.has(entry));
  return {
    learns: variables([...own, ...student.features]),
    inEvaluation: variables(behind.filter(({ role }) => isStatistic(role))),
  };
}

/** A phase with a frozen student. @param learns tensors that the method adds */
export const apartFromStudent = (
  { student }: Pair,
  learns: readonly Variable[],
): Required<Pick<Phase, "learns" | "inEvaluation">> => ({
  learns,
  inEvaluation: variables(student.state.filter(({ role }) => isStatistic(role))),
});

/** The square of PyTorch's 1e-12. */
const LEAST_SQUARE = 1e-24;

/** Vectors along an axis, or several as one, divided by max(length, 1e-12): torch.nn.functional.normalize. Any shape. */
export const normalizedAlong = <T extends Tensor>(x: T, ...axes: readonly number[]): T =>
  tf.mul(x, rsqrt(tf.maximum(sumOfSquares(x, ...axes), LEAST_SQUARE))) as T;

/** L2-normalised rows. */
export const normalizedRows = <T extends Tensor>(x: T): T => normalizedAlong(x, -1);

/**
 * Mean cross entropy of logits against labels (torch.nn.CrossEntropyLoss).
 * @param logits [N, C]
 * @param oneHot [N, C], one row of zeros and a one per label
 */
export function crossEntropy(logits: Tensor2D, oneHot: Tensor2D): Scalar {
  const logProbability = tf.sum(tf.mul(oneHot, tf.logSoftmax(logits)), 1); // [N]
  return tf.neg(tf.mean(logProbability)) as Scalar;
}

/**
 * Hinton's distillation term as the paper's code has it: KL(p_t || p_s) of the softened distributions, summed over
 * classes and batch, times T^2, divided by the batch size. The teacher's logits get no gradient.
 * @param studentLogits [N, C]
 * @param teacherLogits [N, C]
 * @param temperature T > 0
 */
export function distillKL(studentLogits: Tensor2D, teacherLogits: Tensor2D, temperature: number): Scalar {
  const logStudent = tf.logSoftmax(tf.div(studentLogits, temperature));
  const logTeacher = tf.logSoftmax(tf.div(teacherLogits, temperature));
  const perClass = tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent)); // [N, C]
  const batch = studentLogits.shape[0];
  return tf.mul(tf.sum(perClass), temperature ** 2 / batch) as Scalar;
}

/**
 * Direction alignment: the mean over the batch of 1 - cos(f, f_t) (PEFD, section 3). L2 norms without an
 * epsilon; a zero vector gives NaN as in the paper's code.
 * @param features [N, D] projected student features
 * @param teacherFeatures [N, D]
 */
export function directionAlignment(features: Tensor2D, teacherFeatures: Tensor2D): Scalar {
  const inverseLength = (x: Tensor): Tensor => rsqrt(tf.sum(tf.square(x), 1));
  const dot = tf.sum(tf.mul(features, teacherFeatures), 1);
  const cosine = tf.mul(dot, tf.mul(inverseLength(features), inverseLength(teacherFeatures)));
  return tf.mean(tf.sub(1, cosine)) as Scalar;
}
