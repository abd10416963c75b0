import { createRandom } from "#pefd/common/random.js";
import type { EngineName, PrecisionName } from "#pefd/compile/types.js";
import { epochPlan, PLAN_COLUMNS } from "#pefd/data/sampler.js";
import type { ImageSet } from "#pefd/data/types.js";
import { methodRow } from "#pefd/distill/registry.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { randomFill } from "#pefd/nn/initialization.js";
import { tf, type Variable } from "#pefd/runtime/tf.js";
import {
  distilling,
  type Learner,
  parametersOf,
  supervised,
  variablesOf,
} from "#pefd/train/learner.js";
import { createMetrics } from "#pefd/train/metrics.js";
import { openTrainingSession } from "#pefd/train/session.js";
import { createVelocities } from "#pefd/train/sgd.js";
import { streamedSource } from "#pefd/train/source.js";

const CLASSES = 100;

/** Images of noise with random labels. */
export function noiseImages(count: number, seed: number): ImageSet {
  const random = createRandom(seed, "noise");
  return {
    images: Uint8Array.from({ length: count * 3072 }, () => random.integer(256)),
    labels: Uint8Array.from({ length: count }, () => random.integer(CLASSES)),
    ...{ count, height: 32, width: 32, channels: 3 },
  };
}

/** What is trained, and what it reads besides. */
export interface Pupil {
  readonly learner: Learner;
  readonly constants: readonly Variable[];
}

/** A model that learns from labels. */
export function teacherPupil(name: string): Pupil {
  const model = buildModel(name, CLASSES, initialFill(name, 5, "teacher"));
  const parameters = parametersOf(model.state);
  const velocities = createVelocities(parameters);
  const rest = { metrics: createMetrics(), objective: supervised() };
  return { learner: { model, extra: [], parameters, velocities, ...rest }, constants: [] };
}

/** A student that learns from a random teacher by a method of the registry, with every term of the loss. */
export function studentPupil(method: string, name = "resnet8"): Pupil {
  const guide = buildModel(name, CLASSES, initialFill(name, 6, "teacher"));
  const folded = guide.freeze();
  const model = buildModel(name, CLASSES, initialFill(name, 5, "student"));
  const distillation = methodRow(method).build({
    ...{ studentFeatureSize: model.featureSize, teacherFeatureSize: guide.featureSize },
    ...{ numClasses: CLASSES, numProjectors: 2, temperature: 4 },
    fill: randomFill(5, "projectors", {}),
  });
  const parameters = [...parametersOf(model.state), ...parametersOf(distillation.state)];
  const weights = { gamma: 1, alpha: 0.5, beta: 2 };
  const learner = {
    ...{ model, extra: distillation.state, parameters },
    ...{ velocities: createVelocities(parameters), metrics: createMetrics() },
    objective: distilling(guide, distillation, weights, 4),
  };
  return { learner, constants: [...variablesOf(guide.state), ...folded] };
}

/** How a pupil is trained. */
export interface Lesson {
  readonly engine: EngineName;
  readonly precision?: PrecisionName;
  readonly batchSize: number;
  readonly train: ImageSet;
  readonly epochs: number;
}

/** All numbers that training leaves, in one order. */
export interface Trace {
  /** Mean training loss of each step. */
  readonly losses: readonly number[];
  /** Model, projectors and velocities, as bytes. */
  readonly weights: readonly Buffer[];
  readonly names: readonly string[];
  /** Loss on the test images at the end. */
  readonly testLoss: number;
}

/** Trains a pupil and disposes of all that it holds. */
export function study({ learner, constants }: Pupil, lesson: Lesson): Trace {
  const { train, batchSize, epochs } = lesson;
  const session = openTrainingSession({
    ...{ engine: lesson.engine, precision: lesson.precision ?? "float32" },
    ...{ learner, constants, batchSize },
    train: streamedSource(train),
    test: streamedSource(noiseImages(3, 2)),
    sgd: { momentum: 0.9, weightDecay: 5e-4 },
  });
  const losses: number[] = [];
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const plan = epochPlan(10, epoch, train.count);
    const rows = batchSize * PLAN_COLUMNS;
    for (let from = 0; from < plan.length; from += rows) {
      session.restart([]);
      session.train(plan.subarray(from, Math.min(plan.length, from + rows)), 0.05);
      losses.push(session.metrics().loss);
    }
  }
  const testLoss = session.evaluate().loss;
  session.pull();
  const state = [
    ...variablesOf(learner.model.state),
    ...variablesOf(learner.extra),
    ...learner.velocities,
  ];
  const weights = state.map((variable) => {
    const { buffer, byteOffset, byteLength } = variable.dataSync() as Float32Array;
    return Buffer.from(buffer, byteOffset, byteLength);
  });
  const names = state.map((variable) => variable.name);
  session.dispose();
  tf.dispose([...state, ...constants, learner.metrics.total]);
  return { losses, weights, names, testLoss };
}
