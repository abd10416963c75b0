import { isStatistic } from "../../nn/builder.js";
import { rsqrt, sumOfSquares } from "../../nn/gradients.js";
import type { StateEntry } from "../../nn/model.js";
import { type Scalar, type Tensor, type Tensor2D, tf, type Update, type Variable } from "../../runtime/tf.js";
import type { Pair, Phase, StepContext } from "../method.js";

const variables = (state: readonly StateEntry[]): Variable[] => state.flatMap(({ variable }) => variable ?? []);

/**
 * RepDistiller's first phase: stem, stages and additions train, the rest is in evaluation mode.
 * @param own additions
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

/** A phase with a frozen student. @param learns the method's additions */
export const apartFromStudent = (
  { student }: Pair,
  learns: readonly Variable[],
): Required<Pick<Phase, "learns" | "inEvaluation">> => ({
  learns,
  inEvaluation: variables(student.state.filter(({ role }) => isStatistic(role))),
});

/** Epochs of `gathering`. */
export const GATHERING = 1;

/**
 * A phase that gathers statistics of the teacher, in which nothing learns.
 * @param term whose value is logged
 * @param gathered a batch's updates
 */
export const gathering = <Term extends string>(
  pair: Pair,
  term: Term,
  value: (at: StepContext) => Scalar,
  gathered: (at: StepContext) => readonly Update[],
): Phase<Term> => ({
  epochs: GATHERING,
  terms: [term],
  ...apartFromStudent(pair, []),
  loss(at, { updates }) {
    updates.push(...gathered(at));
    return { [term]: value(at) } as Record<Term, Scalar>;
  },
});

/** The square of PyTorch's 1e-12. */
const LEAST_SQUARE = 1e-24;

/** 1 / max(length, 1e-12) along axes, which stay with size 1. */
export const inverseNorm = (x: Tensor, ...axes: readonly number[]): Tensor =>
  rsqrt(tf.maximum(sumOfSquares(x, ...axes), LEAST_SQUARE));

/** torch.nn.functional.normalize along axes: divided by max(length, 1e-12). Any shape. */
export const normalizedAlong = <T extends Tensor>(x: T, ...axes: readonly number[]): T =>
  tf.mul(x, inverseNorm(x, ...axes)) as T;

/** L2-normalised rows. */
export const normalizedRows = <T extends Tensor>(x: T): T => normalizedAlong(x, -1);

/**
 * torch.nn.BatchNorm1d in training, without weight and bias: (x - mean) / sqrt(variance + epsilon) of the columns of
 * x [N, C], biased variance.
 */
export function standardizedOverBatch(x: Tensor2D, epsilon: number): Tensor2D {
  const centred = tf.sub(x, tf.mean(x, 0, true));
  const variance = tf.mean(tf.square(centred), 0, true);
  return tf.div(centred, tf.sqrt(tf.add(variance, epsilon)));
}

/** Logarithms [N] of the labels' probabilities, of logits [N, C] and one-hot labels [N, C]. */
export const logLikelihoods = (logits: Tensor2D, oneHot: Tensor2D): Tensor =>
  tf.sum(tf.mul(oneHot, tf.logSoftmax(logits)), 1);

/** torch.nn.CrossEntropyLoss of logits [N, C] and one-hot labels or probabilities [N, C]. */
export const crossEntropy = (logits: Tensor2D, oneHot: Tensor2D): Scalar =>
  tf.neg(tf.mean(logLikelihoods(logits, oneHot)));

/**
 * timm's BinaryCrossEntropy: the sigmoid of each class for itself, logits and targets [N, C], mean over batch and classes.
 * @param threshold above which a target is 1, else 0 @param sum over classes instead of their mean
 */
export function binaryCrossEntropy(
  logits: Tensor2D,
  targets: Tensor2D,
  { threshold, sum = false }: { readonly threshold?: number | undefined; readonly sum?: boolean } = {},
): Scalar {
  const wanted = threshold === undefined ? targets : tf.cast(tf.greater(targets, threshold), "float32");
  const mean = tf.mean(tf.sub(tf.softplus(logits), tf.mul(logits, wanted))) as Scalar;
  return sum ? tf.mul(mean, logits.shape[1]) : mean;
}

/** Hinton's KL as in the paper's code: T^2 / N * sum over classes and batch, logits [N, C]; the teacher's detached. */
export function distillKL(studentLogits: Tensor2D, teacherLogits: Tensor2D, temperature: number): Scalar {
  const logStudent = tf.logSoftmax(tf.div(studentLogits, temperature));
  const logTeacher = tf.logSoftmax(tf.div(teacherLogits, temperature));
  const perClass = tf.mul(tf.exp(logTeacher), tf.sub(logTeacher, logStudent)); // [N, C]
  const batch = studentLogits.shape[0];
  return tf.mul(tf.sum(perClass), temperature ** 2 / batch) as Scalar;
}

/** Direction alignment (PEFD, section 3): mean of 1 - cos(f, f_t), [N, D]; without epsilon, a zero vector gives NaN. */
export function directionAlignment(features: Tensor2D, teacherFeatures: Tensor2D): Scalar {
  const inverseLength = (x: Tensor): Tensor => rsqrt(tf.sum(tf.square(x), 1));
  const dot = tf.sum(tf.mul(features, teacherFeatures), 1);
  const cosine = tf.mul(dot, tf.mul(inverseLength(features), inverseLength(teacherFeatures)));
  return tf.mean(tf.sub(1, cosine)) as Scalar;
}
