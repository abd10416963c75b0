import { inputError } from "../common/errors.js";
import type { DistillOptions } from "../config/options.js";
import { joinedNames } from "../distill/combination.js";
import type { FeatureShapes, OptimizerTraits, Pair, Phase } from "../distill/method.js";
import { type OpenedMethod, openMethod, refuseSmallSteps } from "../distill/open.js";
import { KL_OPTIONS } from "../distill/options.js";
import { weightedMethod } from "../distill/registry.js";
import { ensembleOutput } from "../distill/views.js";
import { type BuiltModel, buildModel, initialFill } from "../models/build.js";
import { featureState, mapShapes } from "../models/survey.js";
import { isStatistic } from "../nn/builder.js";
import { randomFill } from "../nn/initialization.js";
import type { Insertion, Model, ModelOutput, StateEntry } from "../nn/model.js";
import { tf, type Variable } from "../runtime/tf.js";
import { type EvaluatedStudent, type Learner, type LearnerPhase, parametersOf, variablesOf } from "./learner.js";
import { createMetrics } from "./metrics.js";
import {
  type DistillConfig,
  distilling,
  type Objective,
  ofPhase,
  supervised,
  type TeacherConfig,
} from "./objective.js";
import { createMomentumBuffers } from "./optimizers.js";

export type FrozenModel = { readonly model: BuiltModel; readonly variables: readonly Variable[] };

/** Freezes a model at its current values. @param mode batch normalisations are folded only for evaluation */
export function frozen(model: BuiltModel, mode: "training" | "evaluation" = "evaluation"): FrozenModel {
  const folded = mode === "training" ? [] : model.freeze();
  return { model, variables: [...variablesOf(model.state), ...folded] };
}

/** Frozen models as one, whose logits are the mean of theirs; a single one is itself. */
export function ensemble(all: readonly FrozenModel[]): FrozenModel {
  const [first, ...others] = all as [FrozenModel, ...FrozenModel[]];
  if (others.length === 0) return first;
  const members = all.map(({ model }) => model);
  const model: BuiltModel = {
    ...first.model,
    name: joinedNames(members.map(({ name }) => name)),
    state: [],
    members,
    forward(images, context) {
      const outputs = members.map((member) => member.forward(images, context));
      return { ...(outputs[0] as ModelOutput), ...ensembleOutput(outputs) };
    },
  };
  return { model, variables: all.flatMap(({ variables }) => variables) };
}

/** The shapes of a teacher, or of each of an ensemble. */
export function teacherShapes(teacher: Model): Pick<Pair, "teacher" | "teachers"> {
  const teachers = teacher.members?.map(featureShapesOf);
  return { teacher: teachers?.[0] ?? featureShapesOf(teacher), ...(teachers && { teachers }) };
}

/** Numbers of each teacher's maps. */
export const mapCounts = ({ teacher, teachers = [teacher] }: Pick<Pair, "teacher" | "teachers">): number[] =>
  teachers.map(({ maps }) => maps.length);

export type StudentSetting = Pick<DistillOptions, "model_s" | "distill" | "gamma" | "alpha" | "beta"> &
  Partial<Pick<DistillOptions, "batch_size">>;

const BATCH_SIZE = 64;

/** A model's shapes and tensors. */
export function featureShapesOf({ name, imageSize, featureSize, state }: Model): FeatureShapes {
  const features = featureState(name, state);
  return { ...mapShapes(name, imageSize), pooled: featureSize, state, features };
}

/** A teacher whose outputs alone are known, with the length of its pooled vector, if that is one of them. */
type OutputsOnly = { readonly pooled: number | undefined };

const isModel = (teacher: BuiltModel | OutputsOnly | undefined): teacher is BuiltModel =>
  teacher !== undefined && "forward" in teacher;

/** The shapes of such a teacher: the student's, but for the pooled vector's; there are no tensors. */
function outputShapes(student: FeatureShapes, { pooled = student.pooled }: Partial<OutputsOnly>): FeatureShapes {
  const noWeights = (): never => {
    throw inputError(
      "The method reads the teacher's weights, and --teacher_outputs has its outputs only.",
      "Give the teacher's checkpoint with --path_t, or take another method, such as kd or ours.",
    );
  };
  return Object.defineProperties({ ...student, pooled }, { state: { get: noWeights }, features: { get: noWeights } });
}

/**
 * A new student of a frozen teacher's image size, or of the model's own.
 * @throws inputError for an unknown name, or if the method does not fit
 */
export function studentLearner(
  source: BuiltModel | OutputsOnly | undefined,
  setting: StudentSetting,
  numClasses: number,
  seed: number,
  labels: ArrayLike<number> = [],
  imageSize = isModel(source) ? source.imageSize : undefined,
): Learner {
  const teacher = isModel(source) ? source : undefined;
  const fill = initialFill(setting.model_s, seed, "student");
  const model = buildModel(setting.model_s, numClasses, fill, imageSize);
  const student = featureShapesOf(model);
  const pair: Pair = {
    student,
    ...(isModel(source) ? teacherShapes(source) : { teacher: source ? outputShapes(student, source) : student }),
    numClasses,
    imageSize: model.imageSize,
    labels,
    batchSize: setting.batch_size ?? BATCH_SIZE,
  };
  const { method: row, weights } = weightedMethod(setting);
  if (weights.beta !== 0) refuseSmallSteps(row, pair);
  const method = openMethod(row, pair, setting, randomFill(seed, "projectors", {}));
  const { kd_T: temperature } = { kd_T: KL_OPTIONS.kd_T.fallback, ...setting } as { kd_T: number };
  const teacherConfig: TeacherConfig = { ...(teacher && { teacher }), teacherMaps: mapCounts(pair), method };
  return distilledLearner(model, { ...teacherConfig, weights, temperature }, seed);
}

/** A student with its method's additions, in all phases. @param seed of random inputs */
export function distilledLearner(student: Model, config: DistillConfig, seed: number): Learner {
  const { method, teacher = student, weights } = config;
  // Additions train only if their terms have a weight.
  const isUsed = weights.beta !== 0;
  const { draws, groups, evaluated, insertion, optimizer, phases = [] } = method;
  const { learnBefore = [], removed = [], notices = [], peers } = method;
  const model = withInsertion(student, isUsed ? insertion : undefined);
  const predictsThrough = isUsed && (evaluated ?? insertion) !== undefined;
  const main: Learner = {
    ...createLearner(model, isUsed ? method.state : [], distilling(config), optimizer),
    ...(groups && { groups }),
    ...(isUsed && { notices }),
    ...(isUsed && peers && { peers }),
    ...(predictsThrough && { evaluated: evaluatedStudent(student, teacher, method) }),
    ...(isUsed && learning(student, method.state, [...learnBefore, ...removed])),
    ...(draws && { draws: { specs: draws.specs, values: (step) => draws.values({ seed, ...step }) } }),
    ...(method.teacherTrains && { teacherStatistics: statisticsOf(teacher) }),
    ...((method.strongView || method.classView) && isUsed && { strongView: { seed, classView: method.classView } }),
    ...(method.wholeBatches && isUsed && { wholeBatches: true as const }),
  };
  takeOut(isUsed ? removed : []);
  const before = (isUsed ? phases : []).map((phase) => phaseOf(phase, main, config));
  return { ...main, ...(before.length > 0 && { phases: before }) };
}

/** Parameters of the main part; nothing where all train. */
function learning({ state }: Model, own: readonly StateEntry[], resting: readonly Variable[]): Pick<Learner, "learns"> {
  if (resting.length === 0) return {};
  const learns = new Set([...parametersOf(state), ...parametersOf(own)]);
  for (const variable of resting) learns.delete(variable);
  return { learns };
}

const takeOut = (removed: readonly Variable[]): void =>
  tf.tidy(() => {
    for (const variable of removed) variable.assign(tf.zeros(variable.shape));
  });

const statisticsOf = ({ state }: Model): StateEntry[] => state.filter(({ role }) => isStatistic(role));

function phaseOf(phase: Phase, main: Learner, config: DistillConfig): LearnerPhase {
  const objective = ofPhase(config, phase);
  const { epochs, learningRate, learns, inEvaluation, continues = false } = phase;
  return {
    epochs,
    continues,
    ...(learningRate !== undefined && { learningRate }),
    learner: {
      ...main,
      objective,
      metrics: createMetrics(objective.termNames.length),
      ...(learns && { learns: new Set(learns) }),
      ...(inEvaluation && { inEvaluation: new Set(inEvaluation) }),
    },
  };
}

/** A student with inserted layers; its state is unchanged. */
const withInsertion = (model: Model, insertion: Insertion | undefined): Model =>
  insertion === undefined
    ? model
    : { ...model, forward: (images, context) => model.forward(images, { ...context, insertion }) };

/** A student as evaluated: by default itself. */
export const evaluatedStudent = (
  model: Model,
  teacher: Pick<Model, "name" | "state">,
  { name, options, insertion, evaluated = ({ logits }) => logits }: OpenedMethod,
): EvaluatedStudent => ({
  method: name,
  options,
  teacher,
  numClasses: model.numClasses,
  forward(images, context) {
    const output = withInsertion(model, insertion).forward(images, context);
    return { pooled: output.pooled, logits: evaluated(output, context) };
  },
});

/** A new model trained on labels. @throws inputError for an unknown name */
export function teacherLearner(name: string, numClasses: number, seed: number): Learner {
  const model = buildModel(name, numClasses, initialFill(name, seed, "teacher"));
  return createLearner(model, [], supervised);
}

function createLearner(
  model: Model,
  extra: readonly StateEntry[],
  objective: Objective,
  optimizer?: OptimizerTraits,
): Learner {
  const parameters = [...parametersOf(model.state), ...parametersOf(extra)];
  return {
    model,
    extra,
    objective,
    parameters,
    ...(optimizer && { optimizer }),
    momentumBuffers: createMomentumBuffers(parameters, optimizer),
    metrics: createMetrics(objective.termNames.length),
  };
}
