import type { DistillOptions } from "../config/options.js";
import { methodRow } from "../distill/registry.js";
import { type BuiltModel, buildModel, initialFill } from "../models/build.js";
import { randomFill } from "../nn/initialization.js";
import type { Variable } from "../runtime/tf.js";
import { distilling, type Learner, parametersOf, supervised, variablesOf } from "./learner.js";
import { createMetrics } from "./metrics.js";
import { createVelocities } from "./sgd.js";

/** A frozen model and the variables that its forward pass may read. */
export interface FrozenModel {
  readonly model: BuiltModel;
  readonly variables: readonly Variable[];
}

/** Makes a model ready for evaluation only, with the values that it has now. */
export function frozen(model: BuiltModel): FrozenModel {
  const folded = model.freeze();
  return { model, variables: [...variablesOf(model.state), ...folded] };
}

/** What a student's training is made of, besides its teacher. */
export type StudentSetting = Pick<
  DistillOptions,
  "model_s" | "distill" | "gamma" | "alpha" | "beta" | "kd_T" | "num_proj"
>;

/** A new student with what its method adds, guided by a frozen teacher. @throws inputError for an unknown name */
export function studentLearner(
  teacher: BuiltModel,
  setting: StudentSetting,
  numClasses: number,
  seed: number,
): Learner {
  const fill = initialFill(setting.model_s, seed, "student");
  const model = buildModel(setting.model_s, numClasses, fill);
  const distillation = methodRow(setting.distill).build({
    studentFeatureSize: model.featureSize,
    teacherFeatureSize: teacher.featureSize,
    numClasses,
    numProjectors: setting.num_proj,
    temperature: setting.kd_T,
    fill: randomFill(seed, "projectors", {}),
  });
  // Projectors learn only where the method's own term counts.
  const extra = setting.beta === 0 ? [] : distillation.state;
  const parameters = [...parametersOf(model.state), ...parametersOf(extra)];
  return {
    model,
    extra,
    parameters,
    velocities: createVelocities(parameters),
    metrics: createMetrics(),
    objective: distilling(teacher, distillation, setting, setting.kd_T),
  };
}

/** A new model that learns from labels alone. @throws inputError for an unknown name */
export function teacherLearner(name: string, numClasses: number, seed: number): Learner {
  const model = buildModel(name, numClasses, initialFill(name, seed, "teacher"));
  const parameters = parametersOf(model.state);
  return {
    model,
    extra: [],
    parameters,
    velocities: createVelocities(parameters),
    metrics: createMetrics(),
    objective: supervised(),
  };
}
