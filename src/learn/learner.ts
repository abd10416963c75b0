import type { DrawnStep, Draws, OptimizerTraits, ParameterGroup } from "../distill/method.js";
import { isParameter } from "../nn/builder.js";
import type { ForwardContext, Model, ModelOutput, StateEntry } from "../nn/model.js";
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
import { type LossScale, lossScaleState, unscale } from "./lossScale.js";
import { confusionUpdate, type MetricsVariables, metricsUpdate, oneHotLabels, termsUpdate } from "./metrics.js";
import type { MixingOptions } from "./mixing.js";
import type { Batch, Objective, StudentOutput } from "./objective.js";
import {
  type ClipSetting,
  clipped,
  type Gradients,
  type OptimizerSetting,
  optimizerUpdates,
  resetOptimizerState,
  type SgdOptions,
  sgdUpdates,
  splitSgdUpdates,
  type UpdateScalars,
} from "./optimizers.js";

interface GradientResult<T> {
  readonly loss: Scalar;
  /** One per variable, in order; undefined where the loss does not depend on it. */
  readonly gradients: readonly (Tensor | undefined)[];
  readonly kept: T;
}

/** The loss, kept values, and the tensors in them. */
type Forward<T> = { readonly loss: Scalar; readonly kept: T; readonly tensors: readonly Tensor[] };

/** Gradients of a scalar. tfjs disposes of a differentiated function's tensors, except those listed by `forward`. */
export function gradientsOf<T>(forward: () => Forward<T>, variables: readonly Variable[]): GradientResult<T> {
  let result: Forward<T> | undefined;
  const { value, grads } = tf.variableGrads(() => {
    result = forward();
    for (const tensor of new Set(result.tensors)) tf.keep(tensor);
    return result.loss;
  }, [...variables]);
  const { kept, tensors } = result as unknown as Forward<T>;
  for (const tensor of new Set(tensors)) releaseToScope(tensor);
  const gradients = variables.map((variable) => grads[variable.name] ?? undefined);
  return { loss: value, gradients, kept };
}

interface PartGradients<T> {
  /** Per part and variable, in order; undefined where a part does not depend on it. */
  readonly gradients: readonly (readonly (Tensor | undefined)[])[];
  readonly kept: T;
}

/** Gradients of several scalars of one forward pass, from one tape. @param forward as for gradientsOf */
function gradientsOfParts<T>(
  forward: () => Omit<Forward<T>, "loss"> & { readonly parts: readonly Scalar[] },
  variables: readonly Variable[],
): PartGradients<T> {
  const engine = tf.engine() as unknown as RecordingEngine;
  const survivors = new Set<Tensor>();
  let result: PartGradients<T> | undefined;
  const record = (): Scalar => {
    const { parts, kept, tensors } = forward();
    const gradients = parts.map((part) => engine.gradients(() => part, variables, undefined, true).grads);
    result = { gradients: gradients.map((one) => one.map((found) => found ?? undefined)), kept };
    for (const tensor of [...tensors, ...gradients.flat()]) if (tensor) survivors.add(tensor);
    for (const tensor of survivors) tf.keep(tensor);
    return tf.scalar(0); // depends on no variable: the outer tape only has to exist
  };
  engine.gradients(record, variables, undefined, true).value.dispose();
  for (const tensor of survivors) releaseToScope(tensor);
  return result as unknown as PartGradients<T>;
}

/** tfjs's nesting of tapes, of which tf.variableGrads is made. */
interface RecordingEngine {
  gradients(
    forward: () => Scalar,
    variables: readonly Variable[],
    dy: undefined,
    allowNoGradients: boolean,
  ): { readonly value: Scalar; readonly grads: readonly (Tensor | null | undefined)[] };
}

/** Undoes tf.keep: the current tidy owns the tensor again. */
function releaseToScope(tensor: Tensor): void {
  tensor.kept = false;
  (tf.engine() as unknown as { track(tensor: Tensor): void }).track(tensor);
}

export interface EvaluatedModel extends Pick<Model, "numClasses"> {
  forward(images: Tensor4D, context: ForwardContext): Pick<ModelOutput, "logits">;
}

/** A student as its method evaluates it, with its dependencies. */
export interface EvaluatedStudent extends EvaluatedModel {
  /** @returns evaluated logits, and the penultimate vector after inserted layers */
  forward(images: Tensor4D, context: ForwardContext): Pick<ModelOutput, "logits" | "pooled">;
  readonly method: string;
  readonly options: Readonly<Record<string, unknown>>;
  readonly teacher: Pick<Model, "name" | "state">;
}

/** What a run has beyond the paper's SGD (recipe.ts). */
export interface Recipe {
  readonly optimizer?: OptimizerSetting;
  /** One-cycle. */
  readonly movesMomentum: boolean;
  readonly clip?: ClipSetting;
  /** Sums of gradients over the batches of an update, one per parameter. */
  readonly accumulated?: readonly Variable[];
  /** The loss of labels, where it is no plain cross entropy. */
  readonly task?: TaskSetting;
}

/** Smoothed labels, and binary cross entropy; softens labels of mixed images, too. */
export interface TaskSetting {
  readonly smoothing: number;
  readonly mixing?: MixingOptions & { readonly asBytes: boolean; readonly offEpoch: number };
  loss(logits: Tensor2D, targets: Tensor2D): Scalar;
}

/** A model, its method's additions, and momentum buffers. */
export interface Learner {
  readonly model: Model;
  /** The method's tensors (projectors); empty for a teacher. */
  readonly extra: readonly StateEntry[];
  /** Of a teacher in training mode. */
  readonly teacherStatistics?: readonly StateEntry[];
  readonly parameters: readonly Variable[];
  /** One per parameter; for an optimizer with several, all first ones before all second ones. */
  readonly momentumBuffers: readonly Variable[];
  readonly optimizer?: OptimizerTraits;
  /** In place of the paper's SGD, where options ask for more. */
  readonly recipe?: Recipe;
  /** In float16. */
  readonly lossScale?: LossScale;
  readonly metrics: MetricsVariables;
  readonly objective: Objective;
  readonly notices?: readonly string[];
  /** Models in `extra` that learn beside it. */
  readonly peers?: readonly Model[];
  /** Where a method predicts with more than the student. */
  readonly evaluated?: EvaluatedStudent;
  /** Its state besides the student's, in a file of its own. */
  readonly predictor?: readonly StateEntry[];
  /** Trained parameters; all by default. */
  readonly learns?: ReadonlySet<Variable>;
  readonly inEvaluation?: ReadonlySet<Variable>;
  /** Phases before the main part, over the same variables. */
  readonly phases?: readonly LearnerPhase[];
  readonly groups?: readonly ParameterGroup[];
  /** drop_last. */
  readonly wholeBatches?: true;
  /** Of strong or class views, where steps have them. */
  readonly strongView?: { readonly seed: number; readonly classView: boolean };
  /** The method's random inputs per step, with the run's seed. */
  readonly draws?: Pick<Draws, "specs"> & { values(step: Omit<DrawnStep, "seed">): ReturnType<Draws["values"]> };
}

export interface LearnerPhase {
  readonly epochs: number;
  readonly learningRate?: number;
  /** Whether the next part keeps optimizer state and schedule. */
  readonly continues: boolean;
  readonly learner: Learner;
}

/** Variables of state entries; counters have none. */
export const variablesOf = (state: readonly StateEntry[]): Variable[] =>
  state.flatMap((entry) => (entry.variable === undefined ? [] : [entry.variable]));

/** Variables for an optimizer. */
export const parametersOf = (state: readonly StateEntry[]): Variable[] =>
  variablesOf(state.filter((entry) => isParameter(entry.role)));

/** All variables that training updates, as needed to resume. */
export const trainedVariables = ({
  model,
  extra,
  momentumBuffers,
  teacherStatistics = [],
  lossScale,
  recipe,
}: Learner): Variable[] => [
  ...variablesOf(model.state),
  ...variablesOf(extra),
  ...variablesOf(teacherStatistics),
  ...momentumBuffers,
  ...variablesOf(lossScaleState(lossScale)),
  ...(recipe?.accumulated ?? []),
];

export const learnerVariables = (learner: Learner): Variable[] => [
  ...trainedVariables(learner),
  ...[learner, ...(learner.phases ?? []).map((phase) => phase.learner)].flatMap(
    ({ metrics }) => Object.values(metrics) as Variable[],
  ),
];

/**
 * Gradients as in the paper's code, which computes all terms: a student's tensor reached only by zero-weight terms has
 * a zero gradient, so weight decay and momentum still move it. A method's tensor that no term reaches stays.
 */
const asOptimized = ({ model, parameters, learns }: Learner, gradients: Gradients): Gradients => {
  const own = new Set(variablesOf(model.state));
  return parameters.map((parameter, i) => {
    if (learns !== undefined && !learns.has(parameter)) return undefined;
    return gradients[i] ?? (own.has(parameter) ? tf.zerosLike(parameter) : undefined);
  });
};

/** What a batch gives: gradients for the optimizer, by part of the loss, and new values of everything else. */
export interface Computed {
  /** Scaled where the learner has a loss scale. */
  readonly gradients: readonly Gradients[];
  /** Of running statistics and a method's own state. */
  readonly updates: readonly Update[];
  /** Of the metrics' sums. */
  readonly sums: readonly Update[];
}

/** Forward and backward pass over a batch. */
export function computedOn(learner: Learner, batch: Batch): Computed {
  const { model, metrics, parameters, lossScale, optimizer = {} } = learner;
  const oneHot = oneHotLabels(batch.labels, model.numClasses);
  const lossOf = learner.objective.of(batch);
  const scaled = (loss: Scalar): Scalar => (lossScale === undefined ? loss : tf.mul(loss, lossScale.scale));
  const forward = () => {
    const { inEvaluation } = learner;
    const context: ForwardContext = { training: true, updates: [], ...(inEvaluation && { inEvaluation }) };
    const output: StudentOutput = {
      ...model.forward(batch.images, context),
      ...(batch.strong && { strong: model.forward(batch.strong, context) }),
    };
    const { value, terms, parts = [] } = lossOf(output, oneHot, context);
    const { logits } = output;
    const { updates } = context;
    const tensors = [value, logits, ...terms, ...updates.flatMap(tensorsOf)];
    const kept = { value, logits, updates, terms };
    return { loss: scaled(value), parts: parts.map(scaled), kept, tensors };
  };
  const found = (): { readonly kept: ReturnType<typeof forward>["kept"]; readonly gradients: readonly Gradients[] } => {
    if (optimizer.momenta !== undefined) return gradientsOfParts(forward, parameters);
    const { gradients, kept } = gradientsOf(forward, parameters);
    return { gradients: [gradients], kept };
  };
  const { gradients, kept } = found();
  const { value, logits, updates, terms } = kept;
  return {
    gradients: gradients.map((some) => asOptimized(learner, some)),
    updates,
    sums: [
      metricsUpdate(metrics, value, logits, oneHot),
      ...(metrics.terms ? [termsUpdate(metrics.terms, terms, logits.shape[0])] : []),
    ],
  };
}

const tensorsOf = ([, value, rows]: Update): Tensor[] => (rows === undefined ? [value] : [value, rows]);

/**
 * The optimizer's step, and all other new values.
 * @param given the learning rate, a scalar, or all that a recipe's updates take
 */
export function optimizedBy(
  learner: Learner,
  { gradients, updates, sums }: Computed,
  given: Tensor | UpdateScalars,
  sgd: SgdOptions,
): Update[] {
  const { parameters, momentumBuffers, groups, lossScale, recipe, optimizer = {} } = learner;
  const { momenta } = optimizer;
  const [learningRate, scalars] = "learningRate" in given ? [given.learningRate, given] : [given, undefined];
  const { taken, ...found } = unscaledBy(lossScale, gradients);
  const moved = recipe?.movesMomentum && scalars ? { movedMomentum: scalars.momentum } : {};
  const settings = { ...sgd, ...optimizer, ...moved, taken };
  if (momenta !== undefined) {
    const setting = [learningRate, settings, momenta, groups] as const;
    const optimized = splitSgdUpdates(parameters, momentumBuffers, found.gradients, ...setting);
    return [...optimized, ...found.updates, ...updates, ...sums];
  }
  const accumulated = accumulating(learner, found.gradients[0] ?? [], scalars);
  const own = recipe?.clip
    ? clipped(parameters, accumulated.sums, recipe.clip, classifierOf(learner))
    : accumulated.sums;
  const optimized =
    recipe?.optimizer && scalars
      ? optimizerUpdates(parameters, momentumBuffers, own, scalars, recipe.optimizer, groups).map(where(taken))
      : sgdUpdates(parameters, momentumBuffers, own, learningRate, settings, groups);
  const due = optimized.map(where(accumulated.due));
  return [...due, ...accumulated.updates, ...found.updates, ...updates, ...sums];
}

/** A training step as new values: the optimizer's, running statistics, sums of metrics. @param given as optimizedBy */
export const trainingUpdates = (
  learner: Learner,
  batch: Batch,
  given: Tensor | UpdateScalars,
  sgd: SgdOptions,
): Update[] => optimizedBy(learner, computedOn(learner, batch), given, sgd);

/** Gradients without the loss's scale; of a skipped step zeros. */
interface Unscaled extends Pick<SgdOptions, "taken"> {
  readonly gradients: readonly Gradients[];
  readonly updates: readonly Update[];
}

function unscaledBy(lossScale: LossScale | undefined, gradients: readonly Gradients[]): Unscaled {
  if (lossScale === undefined) return { gradients, updates: [] };
  const all = gradients.flat().filter((gradient) => gradient !== undefined);
  const { taken, unscaled, updates } = unscale(lossScale, all);
  return { taken, updates, gradients: gradients.map((some) => some.map((one) => one && unscaled(one))) };
}

/** The last weight and bias of a model, which agc leaves out. */
const classifierOf = ({ model }: Learner): ReadonlySet<Variable> => new Set(parametersOf(model.state).slice(-2));

/** Gradients with those of the update's earlier batches, and whether this is its last one. */
function accumulating(
  { recipe, parameters }: Learner,
  gradients: Gradients,
  scalars: UpdateScalars | undefined,
): { readonly sums: Gradients; readonly due?: Scalar; readonly updates: readonly Update[] } {
  const { accumulated } = recipe ?? {};
  if (accumulated === undefined || scalars === undefined) return { sums: gradients, updates: [] };
  const due = tf.greater(scalars.due, 0) as Scalar;
  const sums = parameters.map((_, i) => {
    const [gradient, before] = [gradients[i], accumulated[i] as Variable];
    return gradient && tf.add(before, tf.mul(gradient, scalars.share));
  });
  const updates = sums.flatMap((sum, i): Update[] =>
    sum === undefined ? [] : [[accumulated[i] as Variable, tf.where(due, tf.zerosLike(sum), sum)]],
  );
  return { sums, due, updates };
}

/** Updates that are made only where a condition (bool) holds; always without one. */
const where =
  (condition: Scalar | undefined) =>
  ([variable, value]: Update): Update =>
    condition === undefined ? [variable, value] : [variable, tf.where(condition, value, variable)];

/** An evaluation step: adds a batch to the sums. @param counted [N], 0 for padding */
export function evaluationUpdates(
  model: EvaluatedModel,
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

/** Initial values of the optimizer's buffers, for a part with a fresh optimizer. */
export const resetMomentum = ({ momentumBuffers, recipe }: Learner): void =>
  resetOptimizerState(momentumBuffers, recipe?.optimizer?.name);
