import { createRandom } from "#pefd/common/random.js";
import type { EngineName, PrecisionName } from "#pefd/compile/types.js";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { type ImageSet, type ImagesInMemory, inMemory } from "#pefd/data/dataset.js";
import { epochPlan, PLAN_COLUMNS } from "#pefd/data/sampler.js";
import { type Learner, learnerVariables } from "#pefd/learn/learner.js";
import { frozen, studentLearner, teacherLearner } from "#pefd/learn/learners.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { MODELS } from "#pefd/models/registry.js";
import { tf, type Variable } from "#pefd/runtime/tf.js";
import { allAtOnce } from "#pefd/train/calls.js";
import { openTrainingSession, type TrainingSession } from "#pefd/train/session.js";
import { type BatchSource, streamedSource } from "#pefd/train/source.js";
import { procedureNamed } from "../helpers/procedures.js";

const CLASSES = 100;
/** Labels for a method that asks for them; more than any setup has images. */
const LABELS = Array.from({ length: 64 }, (_, i) => i % 10);

/** Images of noise with random labels. */
export function noiseImages(count: number, seed: number): ImagesInMemory {
  const random = createRandom(seed, "noise");
  return {
    images: Uint8Array.from({ length: count * 3072 }, () => random.integer(256)),
    labels: Uint8Array.from({ length: count }, () => random.integer(CLASSES)),
    kind: "memory",
    count,
    ...CIFAR100_FORMAT,
  };
}

/** What is trained, and what it reads besides. */
export interface Pupil {
  readonly learner: Learner;
  readonly constants: readonly Variable[];
}

/** A model that learns from labels. */
export const teacherPupil = (name: string): Pupil => ({
  learner: teacherLearner(name, CLASSES, 5),
  constants: [],
});

/** A student that learns from a random teacher by a method of the registry, with every term of the loss. */
export function studentPupil(published: string, name = "resnet8", batch_size = 4): Pupil {
  const { method, set } = procedureNamed(published);
  const made = buildModel(name, CLASSES, initialFill(name, 6, "teacher"));
  const teacher = frozen(made, method.teacherMode);
  const weights = { gamma: 1, alpha: 0.5, beta: 2 };
  const setting = { ...weights, ...set, model_s: name, distill: method.name, batch_size };
  const learner = studentLearner(teacher.model, setting, CLASSES, 5, LABELS);
  return { learner, constants: teacher.variables };
}

/** The first, smallest model of every family that is made for 32 x 32 images. */
export function smallestOfFamilies(): string[] {
  const names = new Map<string, string>();
  for (const { name, family, imageSize } of MODELS.rows()) {
    if (imageSize === undefined && !names.has(family)) names.set(family, name);
  }
  return [...names.values()];
}

/** How a pupil is trained. */
export interface TrainingSetup {
  readonly engine: EngineName;
  readonly precision?: PrecisionName;
  readonly batchSize: number;
  readonly train: ImageSet;
  readonly epochs: number;
  readonly learningRate?: number;
  /** How images reach the steps; streamed when left out. */
  readonly source?: (set: ImagesInMemory) => BatchSource;
  /** The source of images that are not in memory. */
  readonly files?: BatchSource;
  /** What is evaluated; noise when left out. */
  readonly test?: BatchSource;
  /** For how many steps at once the teacher looks at images; 1 when left out. */
  readonly ahead?: number;
  /** Steps of one call; 1 when left out, so that every step's loss is seen. */
  readonly stepsPerCall?: number;
  /** Calls after which the training ends, the evaluation left out; all of its epochs when left out. */
  readonly calls?: number;
}

/** All numbers that training leaves, in one order. */
export interface Trace {
  /** Mean training loss of each step. */
  readonly losses: readonly number[];
  /** Model, projectors and momentum buffers, as bytes. */
  readonly weights: readonly Buffer[];
  /** The same after the first call. */
  readonly first: readonly Buffer[];
  readonly names: readonly string[];
  /** Loss on the test images at the end. */
  readonly testLoss: number;
}

/** Compiles what trains a pupil; its images are disposed of with it. */
export function openTraining({ learner, constants }: Pupil, setup: Omit<TrainingSetup, "epochs">): TrainingSession {
  const train = setup.files ?? (setup.source ?? streamedSource)(inMemory(setup.train));
  const session = openTrainingSession({
    engine: setup.engine,
    precision: setup.precision ?? "float32",
    learner,
    constants,
    batchSize: setup.batchSize,
    train,
    ahead: setup.ahead ?? 1,
    test: setup.test ?? streamedSource(noiseImages(3, 2)),
    sgd: { momentum: 0.9, weightDecay: 5e-4 },
  });
  const dispose = () => {
    session.dispose();
    train.close?.();
  };
  return { ...session, dispose };
}

/** All variables of a pupil that training changes, besides its sums of losses. */
export function stateOf({ learner }: Pupil): Variable[] {
  const { metrics: _, ...trained } = learner;
  return learnerVariables({ ...trained, metrics: {} as Learner["metrics"] });
}

/** Disposes of all that a pupil holds. */
export const dismiss = ({ learner, constants }: Pupil): void =>
  tf.dispose([...learnerVariables(learner), ...constants]);

/** Model, projectors and momentum buffers as they are now, as bytes. */
const bytesOf = (pupil: Pupil): Buffer[] =>
  stateOf(pupil).map((variable) => {
    const { buffer, byteOffset, byteLength } = variable.dataSync() as Float32Array;
    return Buffer.from(buffer, byteOffset, byteLength);
  });

/** Where a training call stands, and what it takes. */
interface PlannedCall {
  readonly epoch: number;
  readonly step: number;
  readonly rows: Int32Array;
  readonly upcoming: Int32Array;
}

/** The calls of a training, in their order. */
function callsOf({ learner }: Pupil, setup: TrainingSetup): PlannedCall[] {
  const { train, batchSize, epochs, stepsPerCall = 1, calls } = setup;
  const batch = batchSize * PLAN_COLUMNS;
  const all = Array.from({ length: epochs }, (_, i) => {
    const plan = epochPlan(10, i + 1, train.count, train.augmentation);
    const left = learner.wholeBatches ? plan.length % batch : 0;
    const size = stepsPerCall * batch;
    return Array.from({ length: Math.ceil((plan.length - left) / size) }, (_, n) => ({
      epoch: i + 1,
      step: 1 + n * stepsPerCall,
      rows: plan.subarray(n * size, (n + 1) * size),
      upcoming: plan.subarray((n + 1) * size),
    }));
  });
  return all.flat().slice(0, calls);
}

/** Trains a pupil and disposes of all that it holds. */
export function study(pupil: Pupil, setup: TrainingSetup): Trace {
  const session = openTraining(pupil, setup);
  const { learningRate = 0.05 } = setup;
  const losses: number[] = [];
  let first: readonly Buffer[] = [];
  for (const { rows, upcoming, epoch, step } of callsOf(pupil, setup)) {
    session.restart([]);
    session.train(rows, { learningRate, epoch, step }, upcoming);
    losses.push(session.metrics().loss);
    if (losses.length > 1) continue;
    session.pull();
    first = bytesOf(pupil);
  }
  const testLoss = setup.calls === undefined ? allAtOnce(session.evaluate()).loss : Number.NaN;
  session.pull();
  const weights = bytesOf(pupil);
  const names = stateOf(pupil).map((variable) => variable.name);
  session.dispose();
  dismiss(pupil);
  return { losses, weights, first, names, testLoss };
}
