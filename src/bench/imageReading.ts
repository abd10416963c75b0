import { inputError } from "../common/errors.js";
import { median } from "../common/median.js";
import type { Dataset, DatasetLimits, DatasetRow } from "../data/dataset.js";
import { batchRanges, epochPlan, PLAN_COLUMNS } from "../data/sampler.js";
import { type Learner, learnerVariables } from "../learn/learner.js";
import { teacherLearner } from "../learn/learners.js";
import { deviceName, deviceWarning, isGpu } from "../runtime/device.js";
import { tensorFlowVersion } from "../runtime/native.js";
import { loadTensorFlow, tf, type Variable } from "../runtime/tf.js";
import { asksForFloat32, chooseEngine, type EngineChoice } from "../train/engine.js";
import { openTrainingSession, type TrainingSession } from "../train/session.js";
import { type BatchSource, chooseSources } from "../train/source.js";
import type { BenchHooks } from "./bench.js";
import { timedStudent } from "./work.js";

export interface Reading {
  /** Median, minimum and maximum of the repeats. */
  readonly imagesPerSecond: number;
  readonly imagesPerSecondMin: number;
  readonly imagesPerSecondMax: number;
  /** Median per second of CPU time of all threads. */
  readonly imagesPerProcessorSecond: number;
}

export interface FedSteps {
  /** Such as `distill ours RESNET34 -> RESNET18`. */
  readonly what: string;
  readonly engine: string;
  readonly precision: string;
  /** Medians in milliseconds: the whole step, and its wait for images. */
  readonly stepMs: number;
  readonly waitingMs: number;
  readonly waitingMsMax: number;
  /** Of steps. */
  readonly imagesPerSecond: number;
  /** The bottleneck. */
  readonly limit: "data" | "steps";
}

export interface DataDocument {
  readonly device: string;
  readonly tensorflow: string;
  readonly dataset: string;
  readonly data: string;
  /** Training images, and reader threads besides the main one. */
  readonly images: number;
  readonly workers: number;
  readonly batchSize: number;
  readonly repeats: number;
  readonly reading: Reading;
  readonly steps?: FedSteps;
}

const IMAGES = 1024;

interface ReadingSettings {
  readonly seed: number;
  readonly batchSize: number;
  readonly repeats: number;
  cpuSeconds(): number;
}

/** Sampler rows of epochs until there are enough images. @param repeat from 0 */
function planOf({ set }: BatchSource, seed: number, repeat: number): Int32Array {
  const images = Math.min(set.count, IMAGES);
  const epochs = Math.ceil(IMAGES / images);
  const plan = new Int32Array(epochs * images * PLAN_COLUMNS);
  for (let i = 0; i < epochs; i++) {
    const epoch = epochPlan(seed, 1 + repeat * epochs + i, set.count, set.augmentation);
    plan.set(epoch.subarray(0, images * PLAN_COLUMNS), i * images * PLAN_COLUMNS);
  }
  return plan;
}

/** Takes all batches of a plan, with upcoming ones known, like an epoch. */
function readAll({ values }: BatchSource, plan: Int32Array, batchSize: number): void {
  for (const { from, to } of batchRanges(plan.length / PLAN_COLUMNS, batchSize)) {
    values(plan.subarray(from * PLAN_COLUMNS, to * PLAN_COLUMNS), plan.subarray(to * PLAN_COLUMNS));
  }
}

/** Times only data loading, after a warm-up repeat that starts threads. */
function timeReading(source: BatchSource, { seed, batchSize, repeats, cpuSeconds }: ReadingSettings): Reading {
  const perSecond: number[] = [];
  const perCpuSecond: number[] = [];
  for (let repeat = 0; repeat <= repeats; repeat++) {
    const plan = planOf(source, seed, repeat);
    const [started, cpu] = [performance.now(), cpuSeconds()];
    readAll(source, plan, batchSize);
    const images = plan.length / PLAN_COLUMNS;
    const seconds = (performance.now() - started) / 1000;
    if (repeat === 0) continue;
    perSecond.push(images / seconds);
    perCpuSecond.push(images / (cpuSeconds() - cpu));
  }
  return {
    imagesPerSecond: median(perSecond),
    imagesPerSecondMin: Math.min(...perSecond),
    imagesPerSecondMax: Math.max(...perSecond),
    imagesPerProcessorSecond: median(perCpuSecond),
  };
}

interface Trained {
  readonly teacher?: string | undefined;
  readonly student?: string | undefined;
  readonly method: string;
}

interface StepSettings {
  readonly dataset: Dataset;
  readonly train: BatchSource;
  readonly test: BatchSource;
  readonly choice: EngineChoice;
  readonly seed: number;
  readonly batchSize: number;
  /** Besides one warm-up step. */
  readonly steps: number;
}

const SGD = { momentum: 0.9, weightDecay: 1e-4 };
const LEARNING_RATE = 0.1;

/** Above this share of a step's time, data is the bottleneck. */
const WAITING_SHARE = 0.05;

type Opened = { readonly what: string; readonly learner: Learner; readonly constants: readonly Variable[] };

/** @throws inputError for models that do not fit the images or each other */
function openLearner({ teacher, student, method }: Trained, { dataset, batchSize, seed }: StepSettings): Opened {
  const { numClasses, train } = dataset;
  if (teacher !== undefined && student !== undefined) {
    const task = { numClasses, imageSize: train.height, labels: train.labels, batchSize };
    const { learner, guide } = timedStudent({ teacher, student, method }, task);
    const what = `distill ${method} ${teacher} -> ${student}`;
    return { what, learner, constants: guide.variables };
  }
  const name = (student ?? teacher) as string;
  return { what: `train ${name}`, learner: teacherLearner(name, numClasses, seed), constants: [] };
}

/** Milliseconds of each step, and of its wait. */
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

/** Times training steps with data loading. @throws inputError for models that do not fit the images or each other */
function timeFedSteps(trained: Trained, settings: StepSettings): FedSteps {
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
      what,
      engine: choice.engine,
      precision: choice.precision,
      stepMs,
      waitingMs,
      waitingMsMax: Math.max(...waits),
      imagesPerSecond: (1000 * batchSize) / stepMs,
      limit: waitingMs > WAITING_SHARE * stepMs ? "data" : "steps",
    };
  } finally {
    session.dispose();
    tf.dispose([...learnerVariables(learner), ...constants]);
  }
}

const SEED = 10;

export interface DataBenchOptions extends Trained {
  readonly row: DatasetRow;
  readonly data: string;
  readonly limits: DatasetLimits;
  readonly workers: number;
  readonly engine: Parameters<typeof chooseEngine>[0]["engine"];
  readonly precision: Parameters<typeof chooseEngine>[0]["precision"];
  readonly gpu: number | undefined;
  readonly batchSize: number | undefined;
  readonly steps: number | undefined;
  readonly repeats: number;
}

export type DataBenchHooks = BenchHooks & { cpuSeconds(): number };

const SIZES = { gpu: { batchSize: 64, steps: 64 }, cpu: { batchSize: 16, steps: 5 } } as const;

/**
 * Times loading of a data set's training images and, if models are named, whether steps wait for them.
 * @throws inputError for an unreadable folder or models that do not fit; runError for an unusable image
 */
export async function runDataBench(
  options: DataBenchOptions,
  { env, notice, cpuSeconds }: DataBenchHooks,
): Promise<DataDocument> {
  const { row, data, workers, repeats, gpu, engine, precision } = options;
  const dataset = await row.open(data, options.limits);
  const exactFloat32 = asksForFloat32({ engine, precision });
  loadTensorFlow({ env, gpu, exactFloat32 });
  const warning = deviceWarning(env);
  if (warning !== undefined) notice(`warning: ${warning}`);
  const own = isGpu() ? SIZES.gpu : SIZES.cpu;
  const { batchSize = own.batchSize, steps = own.steps } = options;
  if (batchSize > dataset.train.count) {
    throw inputError(
      `A batch of ${batchSize} images is larger than the ${dataset.train.count} images of ${data}.`,
      "Set a smaller --batch_size.",
    );
  }
  const choice = chooseEngine({ engine, precision }, env);
  const sources = chooseSources([dataset.train, dataset.test], choice.engine, { seed: SEED, workers, batchSize });
  const [train, test] = sources as [BatchSource, BatchSource];
  try {
    notice("reading");
    const reading = timeReading(train, { seed: SEED, batchSize, repeats, cpuSeconds });
    const isTrained = options.teacher !== undefined || options.student !== undefined;
    if (isTrained) notice(`steps: ${choice.engine}, ${choice.precision}`);
    const settings = { dataset, train, test, choice, seed: SEED, batchSize, steps };
    return {
      device: deviceName(env),
      tensorflow: tensorFlowVersion(),
      dataset: row.name,
      data,
      images: dataset.train.count,
      workers,
      batchSize,
      repeats,
      reading,
      ...(isTrained && { steps: timeFedSteps(options, settings) }),
    };
  } finally {
    for (const source of sources) source.close?.();
    tf.dispose(sources.flatMap(({ variables }) => [...variables]));
  }
}
