import type { DrawnStep, Draws, ParameterGroup } from "../distill/method.js";
import { isParameter } from "../nn/builder.js";
import type { ForwardContext, Model, StateEntry } from "../nn/model.js";
import { type Tensor, type Tensor1D, tf, type Update, type Variable } from "../runtime/tf.js";
import type { Batch } from "./batch.js";
import { confusionUpdate } from "./confusion.js";
import { gradientsOf } from "./gradients.js";
import { type MetricsVariables, metricsUpdate, termsUpdate } from "./metrics.js";
import type { Objective } from "./objective.js";
import { oneHotLabels } from "./oneHot.js";
import { type SgdOptions, sgdUpdates } from "./sgd.js";

/** Everything that learns: a model, what a distillation method adds to it, and the optimizer's velocities. */
export interface Learner {
  readonly model: Model;
  /** Tensors that the method adds (projectors); empty for a teacher. */
  readonly extra: readonly StateEntry[];
  readonly parameters: readonly Variable[];
  readonly velocities: readonly Variable[];
  readonly metrics: MetricsVariables;
  readonly objective: Objective;
  /** Parameters that learn otherwise than the rest. */
  readonly groups?: readonly ParameterGroup[];
  /** What the method draws for each step, with the run's seed. */
  readonly draws?: Pick<Draws, "specs"> & {
    values(step: Omit<DrawnStep, "seed">): ReturnType<Draws["values"]>;
  };
}

/** Variables of state entries; counters have none. */
export const variablesOf = (state: readonly StateEntry[]): Variable[] =>
  state.flatMap((entry) => (entry.variable === undefined ? [] : [entry.variable]));

/** Variables that an optimizer updates. */
export const parametersOf = (state: readonly StateEntry[]): Variable[] =>
  variablesOf(state.filter((entry) => isParameter(entry.role)));

/** All that a learner holds. */
export const learnerVariables = ({ model, extra, velocities, metrics }: Learner): Variable[] => [
  ...variablesOf(model.state),
  ...variablesOf(extra),
  ...velocities,
  ...(Object.values(metrics) as Variable[]),
];

/**
 * Gradients as the paper's optimizer meets them. There every term of the loss is computed, whatever its weight, and the
 * cross entropy reaches all of the student: where only terms of weight zero reach one of its tensors, the gradient is
 * zero, and weight decay and momentum go on moving it. A tensor of the method's own that no term reaches has no gradient
 * and stays as it is.
 */
const asOptimized = (
  { model, parameters }: Learner,
  gradients: readonly (Tensor | undefined)[],
): (Tensor | undefined)[] => {
  const own = new Set(variablesOf(model.state));
  return parameters.map((parameter, i) => {
    return gradients[i] ?? (own.has(parameter) ? tf.zerosLike(parameter) : undefined);
  });
};

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
  const { model, metrics, parameters, velocities } = learner;
  const oneHot = oneHotLabels(batch.labels, model.numClasses);
  const lossOf = learner.objective.of(batch);
  const result = gradientsOf(() => {
    const context: ForwardContext = { training: true, updates: [] };
    const output = model.forward(batch.images, context);
    const { value: loss, terms } = lossOf(output, oneHot, context);
    const { logits } = output;
    const { updates } = context;
    const tensors = [logits, ...terms, ...updates.map(([, value]) => value)];
    return { loss, kept: { logits, updates, terms }, tensors };
  }, parameters);
  const { logits, updates, terms } = result.kept;
  const gradients = asOptimized(learner, result.gradients);
  return [
    ...sgdUpdates(parameters, velocities, gradients, learningRate, sgd, learner.groups),
    ...updates,
    metricsUpdate(metrics, result.loss, logits, oneHot),
    ...(metrics.terms ? [termsUpdate(metrics.terms, terms, logits.shape[0])] : []),
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
