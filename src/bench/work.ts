import { createRandom } from "../common/random.js";
import { CIFAR100 } from "../data/cifar/row.js";
import type { ImagesInMemory } from "../data/dataset.js";
import { valuesOf } from "../data/hostBatch.js";
import { batchRanges, epochPlan, PLAN_COLUMNS } from "../data/sampler.js";
import { namesIn } from "../distill/combination.js";
import { ownOptions } from "../distill/open.js";
import { publishedSetting } from "../distill/published.js";
import { methodRow } from "../distill/registry.js";
import { type TeacherView, usedViews } from "../distill/views.js";
import { type Learner, learnerVariables, variablesOf } from "../learn/learner.js";
import { ensemble, type FrozenModel, frozen, studentLearner } from "../learn/learners.js";
import { lossScaleState, withLossScale } from "../learn/lossScale.js";
import { buildModel, initialFill } from "../models/build.js";
import { tf, type Variable } from "../runtime/tf.js";
import { allAtOnce } from "../train/calls.js";
import { openEvaluationSession, testBatch } from "../train/evaluation.js";
import { openTrainingSession, type SessionDescription, type TrainingSession } from "../train/session.js";
import { type BatchSource, chooseSources } from "../train/source.js";
import type { ImageKind, OpenWork, Variant, Work, WorkSize } from "./types.js";

const EVALUATION_SEED = 10;

/** Evaluation on random images; a repeat is one pass. */
export function evaluationWork(what: string, { model, variables }: FrozenModel, { testImages, kind }: WorkSize): Work {
  const batchSize = Math.min(testBatch(), testImages);
  const set = randomImages(testImages, EVALUATION_SEED, kind);
  return {
    what,
    batchSize,
    steps: Math.ceil(testImages / batchSize),
    images: testImages,
    open({ engine, precision }) {
      const [test] = chooseSources([set], engine) as [BatchSource];
      const session = openEvaluationSession(model, variables, test, engine, precision);
      const pass = () => void allAtOnce(session.evaluate());
      const dispose = () => {
        session.dispose();
        tf.dispose([...test.variables]);
      };
      return { first: pass, repeat: pass, dispose };
    },
    dispose: () => tf.dispose([...variables]),
  };
}

export const CIFAR100_KIND: ImageKind = { side: CIFAR100.format.height, classes: CIFAR100.classes };

/** Labels are bytes; their values do not affect speed. */
const LABELS = 256;

/** Random images and labels, which do not affect speed. @param kind CIFAR-100's by default */
export function randomImages(
  count: number,
  seed: number,
  { side, classes }: ImageKind = CIFAR100_KIND,
): ImagesInMemory {
  const format = { ...CIFAR100.format, height: side, width: side };
  const random = createRandom(seed, "benchmark images");
  return {
    images: Uint8Array.from({ length: count * valuesOf(format) }, () => random.integer(256)),
    labels: Uint8Array.from({ length: count }, () => random.integer(Math.min(classes, LABELS))),
    count,
    kind: "memory",
    ...format,
  };
}

const MODEL_SEED = 10;

interface LearningTask {
  readonly numClasses: number;
  /** The model's own by default. */
  readonly imageSize?: number;
  /** Of training images: they determine the size of memory banks. */
  readonly labels: ArrayLike<number>;
  readonly batchSize: number;
}

/** A model with initial weights. */
export const initialised = (name: string, { numClasses, imageSize }: Pick<LearningTask, "numClasses" | "imageSize">) =>
  buildModel(name, numClasses, initialFill(name, MODEL_SEED, "teacher"), imageSize);

/** A pair with initial weights and the method's published setting. @throws inputError where they do not fit */
export function timedStudent(
  { teacher, student, method }: Readonly<Record<"teacher" | "student" | "method", string>>,
  task: LearningTask,
): { readonly learner: Learner; readonly guide: FrozenModel; readonly views: readonly TeacherView[] } {
  const guide = ensemble(namesIn(teacher).map((name) => frozen(initialised(name, task))));
  const row = methodRow(method);
  const { weights, options } = publishedSetting(row, `${teacher}-${student}`);
  const setting = { model_s: student, distill: method, batch_size: task.batchSize, ...weights, ...options };
  const learner = studentLearner(guide.model, setting, task.numClasses, MODEL_SEED, task.labels);
  return { learner, guide, views: usedViews(row.sees(ownOptions(row, options)), weights) };
}

const SEED = 10;
/** The paper's; the values do not affect speed. */
const SGD = { momentum: 0.9, weightDecay: 5e-4 };
const LEARNING_RATE = 0.05;

/** Trains on full batches, as many per call as the session takes, and waits for the end. */
function trainOn(session: TrainingSession, plan: Int32Array, batchSize: number): void {
  const rowsPerCall = batchSize * session.stepsPerCall;
  for (const { from, to } of batchRanges(plan.length / PLAN_COLUMNS, rowsPerCall)) {
    session.train(plan.subarray(from * PLAN_COLUMNS, to * PLAN_COLUMNS), {
      learningRate: LEARNING_RATE,
      epoch: 1,
      step: 1 + from / batchSize,
    });
  }
  session.metrics(); // a GPU may still be at work; reading waits for it
}

type Described = Pick<SessionDescription, "learner" | "constants" | "batchSize">;

export type AheadOf = (variant: Variant) => number;

/** Opens a session like a run's, images placed by engine. */
function openWork(described: Described, sets: readonly ImagesInMemory[], variant: Variant, aheadOf: AheadOf): OpenWork {
  const [train, test] = chooseSources(sets, variant.engine) as [BatchSource, BatchSource];
  const ahead = aheadOf(variant);
  const learner = withLossScale(described.learner, variant.precision);
  const session = openTrainingSession({ ...described, ...variant, learner, train, test, ahead, sgd: SGD });
  const { batchSize } = described;
  const plan = (index: number) => epochPlan(SEED, index, train.set.count, train.set.augmentation);
  return {
    first: () => trainOn(session, plan(1).subarray(0, batchSize * PLAN_COLUMNS), batchSize),
    repeat: (index) => trainOn(session, plan(index), batchSize),
    dispose() {
      session.dispose();
      train.close?.();
      const scaler = lossScaleState(learner.lossScale);
      tf.dispose([...train.variables, ...test.variables, ...variablesOf(scaler)]);
    },
  };
}

/** Training on random images; a repeat is an epoch of full batches. @param constants of a frozen teacher */
export function trainingWork(
  what: string,
  learner: Learner,
  constants: readonly Variable[],
  { batchSize, steps, kind }: WorkSize,
  aheadOf: AheadOf = () => 1,
): Work {
  const images = batchSize * steps;
  const sets = [randomImages(images, SEED, kind), randomImages(1, SEED, kind)];
  const described = { learner, constants, batchSize };
  return {
    what,
    batchSize,
    steps,
    images,
    open: (variant) => openWork(described, sets, variant, aheadOf),
    dispose: () => tf.dispose([...learnerVariables(learner), ...constants]),
  };
}
