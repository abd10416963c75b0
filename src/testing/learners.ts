import { methodRow } from "../distill/registry.js";
import type { Learner } from "../learn/learner.js";
import { frozen, studentLearner, teacherLearner } from "../learn/learners.js";
import { buildModel, initialFill } from "../models/build.js";
import { modelRow } from "../models/registry.js";
import type { Variable } from "../runtime/tf.js";
import { BATCH, CLASSES, type TestedPair } from "./scene.js";

const SEED = 5;

/** What is trained, and what it reads besides. */
export interface Pupil {
  readonly learner: Learner;
  readonly constants: readonly Variable[];
}

/** Side of the images that a model is made for. */
export const sideOf = (model: string): number => modelRow(model).imageSize ?? 32;

/** A new model that learns from labels. */
export const supervisedPupil = (model: string, numClasses = CLASSES): Pupil => ({
  learner: teacherLearner(model, numClasses, SEED),
  constants: [],
});

/** A student that learns by a method with its published weights, from a teacher of random weights. */
export function studentPupil(
  name: string,
  { teacher, student }: TestedPair,
  labels: ArrayLike<number>,
): Pupil {
  const { weights, teacherMode } = methodRow(name);
  const made = buildModel(teacher, CLASSES, initialFill(teacher, SEED + 1, "teacher"));
  const { model, variables } = frozen(made, teacherMode);
  const setting = { ...weights, model_s: student, distill: name, batch_size: BATCH };
  const learner = studentLearner(model, setting, CLASSES, SEED, labels);
  return { learner, constants: variables };
}
