import { crossEntropy, distillKL } from "../distill/losses.js";
import type { Distillation, LossWeights } from "../distill/types.js";
import { isParameter } from "../nn/builder.js";
import type { Model, ModelOutput, StateEntry } from "../nn/model.js";
import {
  type Scalar,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  type Tensor4D,
  tf,
  type Update,
  type Variable,
} from "../runtime/tf.js";
import { confusionUpdate } from "./confusion.js";
import { gradientsOf } from "./gradients.js";
import { type MetricsVariables, metricsUpdate } from "./metrics.js";
import { oneHotLabels } from "./oneHot.js";
import { type SgdOptions, sgdUpdates } from "./sgd.js";

/** Images and labels of one step. */
export interface Batch {
  /** [N, 32, 32, 3], normalised */
  readonly images: Tensor4D;
  /** [N], int32 */
  readonly labels: Tensor1D;
  /** The teacher's output for these images, where it is known already (see teacherCache/). */
  readonly guide?: ModelOutput;
}

/** Everything that learns: a model, what a distillation method adds to it, and the optimizer's velocities. */
export interface Learner {
  readonly model: Model;
  /** Tensors that the method adds (projectors); empty for a teacher. */
  readonly extra: readonly StateEntry[];
  readonly parameters: readonly Variable[];
  readonly velocities: readonly Variable[];
  readonly metrics: MetricsVariables;
  /** The loss of a batch, given the model's output in training; other outputs do not depend on parameters. */
  objective(batch: Batch): (output: ModelOutput, oneHot: Tensor2D) => Scalar;
}

/** Variables of state entries; counters have none. */
export const variablesOf = (state: readonly StateEntry[]): Variable[] =>
  state.flatMap((entry) => (entry.variable === undefined ? [] : [entry.variable]));

/** Variables that an optimizer updates. */
export const parametersOf = (state: readonly StateEntry[]): Variable[] =>
  variablesOf(state.filter((entry) => isParameter(entry.role)));

/** A supervised objective: mean cross entropy. */
export const supervised = (): Learner["objective"] => () => (output, oneHot) =>
  crossEntropy(output.logits, oneHot);

/**
 * The paper's objective: gamma * cross entropy + alpha * KL + beta * the method's term. A term whose weight is zero is
 * left out. The teacher runs in evaluation mode, outside of the differentiated part; not at all where the batch brings
 * its output.
 */
export const distilling =
  (
    teacher: Model,
    distillation: Distillation,
    { gamma, alpha, beta }: LossWeights,
    temperature: number,
  ): Learner["objective"] =>
  (batch) => {
    const guide = batch.guide ?? teacher.forward(batch.images, { training: false, updates: [] });
    return (output, oneHot) => {
      const terms: [number, () => Scalar][] = [
        [gamma, () => crossEntropy(output.logits, oneHot)],
        [alpha, () => distillKL(output.logits, guide.logits, temperature)],
        [beta, () => distillation.loss(output, guide)],
      ];
      return weightedSum(terms);
    };
  };

/** Sum of weighted scalars; written as differences so that no graph optimizer reorders it (see sgd.ts). */
function weightedSum(terms: readonly [number, () => Scalar][]): Scalar {
  const used = terms.filter(([weight]) => weight !== 0);
  const [first, ...rest] = used;
  if (first === undefined) throw new Error("At least one term of the loss needs a weight.");
  let sum: Tensor = tf.mul(first[1](), first[0]);
  for (const [weight, term] of rest) sum = tf.sub(sum, tf.mul(term(), -weight));
  return sum as Scalar;
}

/**
 * One training step as new values: parameters and velocities by SGD, running statistics, sums of metrics.
 * @param learningRate scalar
 */
export function trainingUpdates(
  learner: Learner,
  batch: Batch,
  learningRate: Tensor,
  sgd: SgdOptions,
): Update[] {
  const oneHot = oneHotLabels(batch.labels, learner.model.numClasses);
  const loss = learner.objective(batch);
  const result = gradientsOf(() => {
    const updates: Update[] = [];
    const output = learner.model.forward(batch.images, { training: true, updates });
    const { logits } = output;
    const tensors = [logits, ...updates.map(([, value]) => value)];
    return { loss: loss(output, oneHot), kept: { logits, updates }, tensors };
  }, learner.parameters);
  const { logits, updates } = result.kept;
  return [
    ...sgdUpdates(learner.parameters, learner.velocities, result.gradients, learningRate, sgd),
    ...updates,
    metricsUpdate(learner.metrics, result.loss, logits, oneHot),
  ];
}

/**
 * One evaluation step: adds a batch to the sums, changes nothing else.
 * @param counted [N], 0 for images that only fill the batch up
 */
export function evaluationUpdates(
  model: Model,
  metrics: MetricsVariables,
  batch: Batch,
  counted: Tensor1D,
): Update[] {
  const oneHot = oneHotLabels(batch.labels, model.numClasses);
  const { logits } = model.forward(batch.images, { training: false, updates: [] });
  const logProbability = tf.sum(tf.mul(oneHot, tf.logSoftmax(logits)), 1);
  const loss = tf.neg(tf.div(tf.sum(tf.mul(logProbability, counted)), tf.sum(counted)));
  const sums = metricsUpdate(metrics, loss, logits, oneHot, counted);
  if (metrics.confusion === undefined) return [sums];
  return [sums, confusionUpdate(metrics.confusion, logits, oneHot, counted)];
}
