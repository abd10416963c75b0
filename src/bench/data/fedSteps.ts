import type { Dataset } from "../../data/dataset.js";
import { epochPlan, PLAN_COLUMNS } from "../../data/sampler.js";
import { type Learner, learnerVariables } from "../../learn/learner.js";
import { teacherLearner } from "../../learn/learners.js";
import { tf, type Variable } from "../../runtime/tf.js";
import type { EngineChoice } from "../../train/engine.js";
import type { BatchSource } from "../../train/feeds/batchSource.js";
import { openTrainingSession, type TrainingSession } from "../../train/session.js";
import { timedStudent } from "../learners.js";
import { median } from "../measure.js";
import type { FedSteps } from "./types.js";

/** What is trained: a pair by a method, or one model alone. */
export interface Trained {
  readonly teacher?: string | undefined;
  readonly student?: string | undefined;
  readonly method: string;
}

/** What steps are timed with. */
export interface StepSettings {
  readonly dataset: Dataset;
  readonly train: BatchSource;
  readonly test: BatchSource;
  readonly choice: EngineChoice;
  readonly seed: number;
  readonly batchSize: number;
  /** Steps that count; one more comes first. */
  readonly steps: number;
}

const SGD = { momentum: 0.9, weightDecay: 1e-4 };
const LEARNING_RATE = 0.1;

/** More of a step's time than that, and it is the data that limits. */
const WAITING_SHARE = 0.05;

interface Opened {
  readonly what: string;
  readonly learner: Learner;
  readonly constants: readonly Variable[];
}

/** @throws inputError for models that do not fit the images or one another */
function openLearner(
  { teacher, student, method }: Trained,
  { dataset, batchSize, seed }: StepSettings,
): Opened {
  const { numClasses, train } = dataset;
  if (teacher !== undefined && student !== undefined) {
    const task = { numClasses, imageSize: train.height, labels: train.labels, batchSize };
    const { learner, guide } = timedStudent({ teacher, student, method }, task);
    const what = `distill ${method} ${teacher} -> ${student}`;
    return { what, learner, constants: guide.variables };
  }
  const name = (student ?? teacher) as string;
  return {
    what: `train ${name}`,
    learner: teacherLearner(name, numClasses, seed),
    constants: [],
  };
}

/** Milliseconds of each step, and of those how long it has waited. */
function timeSteps(
  session: TrainingSession,
  { train, seed, batchSize, steps }: StepSettings,
): (readonly [step: number, waiting: number])[] {
  const times: (readonly [number, number])[] = [];
  const perEpoch = Math.floor(train.set.count / batchSize);
  for (let step = 0; step <= steps; step++) {
    const [epoch, place] = [1 + Math.floor(step / perEpoch), step % perEpoch];
    const plan = epochPlan(seed, epoch, train.set.count, train.set.augmentation);
    const rows = (from: number, to: number) =>
      plan.subarray(from * batchSize * PLAN_COLUMNS, to * batchSize * PLAN_COLUMNS);
    const started = performance.now();
    const at = { learningRate: LEARNING_RATE, epoch, step: place + 1 };
    const waiting = session.train(rows(place, place + 1), at, rows(place + 1, perEpoch));
    session.metrics(); // a GPU may still be at work; reading waits for it
    if (step > 0) times.push([performance.now() - started, 1000 * waiting]);
  }
  return times;
}

/**
 * Times training steps that are fed as a run's are.
 * @throws inputError for models that do not fit the images or one another
 */
export function timeFedSteps(trained: Trained, settings: StepSettings): FedSteps {
  const { what, learner, constants } = openLearner(trained, settings);
  const { train, test, choice, batchSize } = settings;
  const described = { learner, constants, batchSize, train, test, sgd: SGD };
  const session = openTrainingSession({ ...described, ...choice });
  try {
    const times = timeSteps(session, settings);
    const stepMs = median(times.map(([step]) => step));
    const waits = times.map(([, waiting]) => waiting);
    const waitingMs = median(waits);
    return {
      ...{ what, engine: choice.engine, precision: choice.precision },
      ...{ stepMs, waitingMs, waitingMsMax: Math.max(...waits) },
      imagesPerSecond: (1000 * batchSize) / stepMs,
      limit: waitingMs > WAITING_SHARE * stepMs ? "data" : "steps",
    };
  } finally {
    session.dispose();
    tf.dispose([...learnerVariables(learner), ...constants]);
  }
}
