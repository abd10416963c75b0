import { PLUGINS } from "../common/plugins.js";
import { createRandom } from "../common/random.js";
import type { ImagesInMemory } from "../data/dataset.js";
import { methodRow } from "../distill/registry.js";
import type { Learner } from "../learn/learner.js";
import { frozen, studentLearner, teacherLearner } from "../learn/learners.js";
import { buildModel, initialFill } from "../models/build.js";
import { modelRow } from "../models/registry.js";
import type { Plugin } from "../plugin/define.js";
import { registerPlugin } from "../plugin/load.js";
import { checkedPlugin } from "../plugin/shape.js";
import { loadTensorFlow, type Variable } from "../runtime/tf.js";

const SEED = 5;

export type Pupil = { readonly learner: Learner; readonly constants: readonly Variable[] };

/** A model's image size. */
export const sideOf = (model: string): number => modelRow(model).imageSize ?? 32;

/** A new model trained on labels. */
export const supervisedPupil = (model: string, numClasses = CLASSES): Pupil => ({
  learner: teacherLearner(model, numClasses, SEED),
  constants: [],
});

/** A student with published weights, and a teacher of random weights. */
export function studentPupil(name: string, { teacher, student }: TestedPair, labels: ArrayLike<number>): Pupil {
  const { weights, teacherMode } = methodRow(name);
  const made = buildModel(teacher, CLASSES, initialFill(teacher, SEED + 1, "teacher"));
  const { model, variables } = frozen(made, teacherMode);
  const setting = { ...weights, model_s: student, distill: name, batch_size: BATCH };
  const learner = studentLearner(model, setting, CLASSES, SEED, labels);
  return { learner, constants: variables };
}

export type TestedPair = { readonly teacher: string; readonly student: string };

/** Two small models of unequal width, with maps of equal size. */
export const PAIR: TestedPair = { teacher: "resnet8x4", student: "resnet8" };

export const CLASSES = 10;

export const BATCH = 4;

const taken = new Set<Plugin>();

/** Loads the native library, and registers a plug-in once. @throws inputError for another shape, or taken names */
export function use(plugin: Plugin): void {
  loadTensorFlow({ env: process.env });
  if (taken.has(plugin)) return;
  const name = `under test (${PLUGINS.names().length + 1})`;
  registerPlugin(name, "0".repeat(64), checkedPlugin(name, plugin));
  taken.add(plugin);
}

/** Noise with random labels. @param side height and width */
export function noiseImages(count: number, side: number, seed: number): ImagesInMemory {
  const random = createRandom(seed, "noise");
  return {
    kind: "memory",
    count,
    height: side,
    width: side,
    channels: 3,
    normalization: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
    augmentation: { kind: "shift", padding: 2 },
    images: Uint8Array.from({ length: count * side * side * 3 }, () => random.integer(256)),
    labels: Uint8Array.from({ length: count }, () => random.integer(CLASSES)),
  };
}
