import { compile } from "../compile/program.js";
import type { Call, EngineName, Entry, FeedSpec, Feeds, FeedValues, PrecisionName } from "../compile/types.js";
import { type ImageSet, type ImageShape, inMemory } from "../data/dataset.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import { assembleStrongBatch } from "../data/strong/strongView.js";
import { type Learner, trainedVariables, trainingUpdates } from "../learn/learner.js";
import { type Metrics, metricsSums, readMetrics, readTerms, setMetrics } from "../learn/metrics.js";
import type { Batch } from "../learn/objective.js";
import type { SgdOptions } from "../learn/sgd.js";
import type { TrainingMetrics } from "../report/log/contract.js";
import type { Tensor1D, Variable } from "../runtime/tf.js";
import { type BatchSource, imageColumn } from "./batchSource.js";
import {
  type Calls,
  type CompilationHooks,
  callsOf,
  compileCalls,
  evenCalls,
  firstSteps,
  mostSteps,
  STEPS_PER_CALL,
} from "./calls.js";
import { evaluateWith, evaluationEntry, evaluationSteps } from "./evaluation.js";
import { aheadOf, groupOf, guideOf } from "./teacherAhead.js";

/** A part of a training: one of the phases that a method begins with, or the main part. */
export interface Stage {
  readonly learner: Learner;
  /** Its first epoch, from 1. */
  readonly first: number;
  /** The epoch after its last one. */
  readonly end: number;
  /** Whether it starts with a fresh optimizer, as a part does that does not go on with the one before. */
  readonly resetsMomentum: boolean;
  /** The epoch from which the run's schedule of the learning rate counts; a phase that stands alone has none. */
  readonly scheduleFrom?: number;
  /** Where the rate does not follow the run's schedule. */
  readonly learningRate?: number;
}

/** The parts of a training in order. */
export function stagesOf(learner: Learner): Stage[] {
  const stages: Stage[] = [];
  let [first, continues, from] = [1, true, 1];
  for (const phase of (learner.phases ?? []).filter((one) => one.epochs > 0)) {
    const { learningRate } = phase;
    const end = first + phase.epochs;
    if (!continues) from = first;
    stages.push({
      learner: phase.learner,
      first,
      end,
      resetsMomentum: !continues,
      ...(phase.continues && { scheduleFrom: from }),
      ...(learningRate !== undefined && { learningRate }),
    });
    [first, continues] = [end, phase.continues];
  }
  const scheduleFrom = continues ? from : first;
  const end = Number.POSITIVE_INFINITY;
  return [...stages, { learner, first, end, resetsMomentum: !continues, scheduleFrom }];
}

/** The terms of all parts, each once, in their order. */
export const stageTerms = (stages: readonly Stage[]): string[] => [
  ...new Set(stages.flatMap(({ learner }) => learner.objective.termNames)),
];

/** What is told of a run that ends before its main part: it goes on there once it is given more epochs. */
export function shortRunText(stages: readonly Stage[], epochs: number): string | undefined {
  const { first } = stages.at(-1) as Stage;
  if (first <= epochs) return undefined;
  return `Of --epochs ${epochs} the method's first ${first - 1} are a phase before its main part, which this run does not reach; --resume with --epochs ${first} or more goes on with it.`;
}

/** What a method draws travels under names of its own. */
const PREFIX = "drawn.";

const prefixed = <Value>(values: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [PREFIX + name, value]));

/** Feeds of what a learner's method draws for a step of N images. */
export const drawnSpecs = ({ draws }: Learner, images: number): Record<string, FeedSpec> =>
  draws === undefined ? {} : prefixed(draws.specs(images));

/** What was drawn for a step, under the method's own names. */
export const drawnFeeds = (feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds)
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, value]) => [name.slice(PREFIX.length), value]),
  );

/**
 * Draws for consecutive steps, each with its own stream, however many steps one call takes.
 * @param rows plan rows of all of them
 * @param place the first one
 */
export function drawnValues(
  { draws }: Learner,
  rows: Int32Array,
  batchSize: number,
  { epoch, step }: { readonly epoch: number; readonly step: number },
): FeedValues {
  if (draws === undefined) return {};
  const images = imageColumn(rows);
  const steps: FeedValues[] = [];
  for (let from = 0; from < images.length; from += batchSize) {
    const image = images.subarray(from, from + batchSize);
    steps.push(draws.values({ epoch, step: step + from / batchSize, image }));
  }
  const [first = {}] = steps;
  const joined = Object.keys(first).map((name) => [name, joinedArrays(steps.map((s) => s[name] as Drawn))]);
  return prefixed(Object.fromEntries(joined));
}

type Drawn = Float32Array | Int32Array;

function joinedArrays(parts: readonly Drawn[]): Drawn {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = parts[0] instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Name of the feed that brings a step's strong view. */
const STRONG_FEED = "strong";

/** The feed of a step of N images, where the learner has one. */
const strongSpecs = (
  { strongView }: Learner,
  images: number,
  { height, width, channels }: ImageShape,
): Record<string, FeedSpec> =>
  strongView === undefined ? {} : { [STRONG_FEED]: { shape: [images, height, width, channels], dtype: "float32" } };

/** Its values for consecutive steps. @param rows plan rows of all of them */
const strongValues = (
  { strongView }: Learner,
  rows: Int32Array,
  set: ImageSet,
  { epoch }: { readonly epoch: number },
): FeedValues =>
  strongView === undefined ? {} : { [STRONG_FEED]: assembleStrongBatch(inMemory(set), rows, { ...strongView, epoch }) };

/** Everything that a run computes with. */
export interface SessionDescription {
  readonly engine: EngineName;
  readonly precision: PrecisionName;
  readonly learner: Learner;
  /** Variables that steps read and nothing changes (a frozen teacher). */
  readonly constants: readonly Variable[];
  readonly batchSize: number;
  readonly train: BatchSource;
  readonly test: BatchSource;
  readonly sgd: SgdOptions;
  /** For how many steps at once a frozen teacher looks at images, with the xla engine; 1 where left out. */
  readonly ahead?: number;
  /** Told what went wrong with programs that are kept between runs. */
  readonly onWarning?: (text: string) => void;
}

/** Where in a training the next steps stand. */
export interface TrainingPlace {
  readonly learningRate: number;
  /** From 1. */
  readonly epoch: number;
  /** The first of the steps, from 1, within the epoch. */
  readonly step: number;
}

/** Compiled training and evaluation over one set of variables. */
export interface TrainingSession {
  /** Most steps of `train` at once. */
  readonly stepsPerCall: number;
  /** How many steps are computed together in part: calls that take several times as many waste nothing. */
  readonly group: number;
  /** Compiles whatever the run takes, before its first step. @param device the name of what is compiled for */
  compile(device: string, hooks: CompilationHooks): Promise<void>;
  /** Steps of the first call, before anything is known of their time. */
  readonly firstSteps: number;
  /**
   * Trains on consecutive batches.
   * @param rows plan rows of whole batches, or of the one short batch at an epoch's end
   * @param upcoming plan rows of the batches after these, as far as is known; the last one may be short
   * @returns seconds that went into making the batches
   */
  train(rows: Int32Array, place: TrainingPlace, upcoming?: Int32Array): number;
  /** Means over the images trained on since the last clear. */
  metrics(): TrainingMetrics & { readonly images: number };
  /** The sums behind those means. */
  sums(): number[];
  /** Starts the sums anew, or from those of a run that goes on (empty: from zero). */
  restart(sums: readonly number[]): void;
  /**
   * Loss and accuracy on the test set, as the weights are now; the sums of training are lost. Yields the number of
   * images done.
   */
  evaluate(): Calls<Metrics>;
  /** Brings the trained state into its tf.Variables. */
  pull(): void;
  /** Frees what was compiled; sources are their owner's. */
  dispose(): void;
}

/** Compiles a run. The state's values are taken as they are in the tf.Variables now. */
export function openTrainingSession(description: SessionDescription): TrainingSession {
  const { learner, train, batchSize } = description;
  const short = learner.wholeBatches ? 0 : train.set.count % batchSize;
  const steps = Math.floor(train.set.count / batchSize);
  const group = groupOf(description, steps);
  const most = mostSteps(STEPS_PER_CALL, batchSize, train.mostImages);
  const stepsPerCall = evenCalls(steps, most, group);
  const whole = {
    ...trainEntry(description, batchSize, stepsPerCall),
    ...(group > 1 && { ahead: aheadOf(description, group) }),
  };
  const evaluation = evaluationEntry(learner.evaluated ?? learner.model, learner.metrics, description.test);
  const trained = new Set(trainedVariables(learner));
  const program = compile(description.engine, {
    name: learner.model.name,
    precision: description.precision,
    ...(description.onWarning && { onWarning: description.onWarning }),
    entries: {
      ...(train.set.count >= batchSize ? { train: whole } : {}),
      ...(short > 0 ? { train_short: trainEntry(description, short, 1) } : {}),
      evaluate: evaluation,
    },
    variables: {
      state: [...trained],
      metrics: Object.values(learner.metrics) as Variable[],
      constants: description.constants.filter((constant) => !trained.has(constant)),
      images: [...new Set([...train.variables, ...description.test.variables])],
    },
  });
  for (const group of ["state", "metrics", "constants", "images"]) program.push(group);
  const clear = () => {
    setMetrics(learner.metrics, []);
    program.push("metrics");
  };
  const calls: Call[] = [
    ...callsOf("train", steps, stepsPerCall),
    ...callsOf("train_short", short > 0 ? 1 : 0, 1),
    ...callsOf("evaluate", evaluationSteps(description.test), evaluation.stepsPerCall),
  ];
  return {
    async compile(device, hooks) {
      if (!(await compileCalls(program, calls, device, hooks))) return;
      for (const group of ["state", "metrics"]) program.push(group);
    },
    stepsPerCall,
    group,
    firstSteps: firstSteps(stepsPerCall),
    train(rows, place, upcoming) {
      const started = performance.now();
      const values = {
        ...train.values(rows, upcoming),
        ...drawnValues(learner, rows, batchSize, place),
        ...strongValues(learner, rows, train.set, place),
        learningRate: Float32Array.of(place.learningRate),
        epoch: Float32Array.of(place.epoch),
      };
      const dataSeconds = (performance.now() - started) / 1000;
      const images = rows.length / PLAN_COLUMNS;
      const name = images % batchSize === 0 ? "train" : "train_short";
      program.run(name, values, name === "train" ? images / batchSize : 1);
      return dataSeconds;
    },
    metrics() {
      program.pull("metrics");
      const terms = readTerms(learner.metrics, learner.objective.termNames);
      return { ...readMetrics(learner.metrics), ...(terms !== undefined && { terms }) };
    },
    sums() {
      program.pull("metrics");
      return metricsSums(learner.metrics);
    },
    restart(sums) {
      setMetrics(learner.metrics, sums);
      program.push("metrics");
    },
    evaluate: () => evaluateWith(program, description.test, learner.metrics, clear),
    pull: () => program.pull("state"),
    dispose: program.dispose,
  };
}

const placeFeeds = {
  learningRate: { shape: [], dtype: "float32" },
  epoch: { shape: [], dtype: "float32" },
} as const;

const trainEntry = ({ learner, train, sgd }: SessionDescription, batchSize: number, stepsPerCall: number): Entry => ({
  step: (feeds) => {
    // What of a batch is made on demand stays so: its properties are inherited, not copied.
    const guide = guideOf(learner, feeds);
    const batch: Batch = Object.create(train.batch(feeds), {
      epoch: { value: feeds.epoch },
      drawn: { value: drawnFeeds(feeds) },
      strong: { value: feeds[STRONG_FEED] },
      ...(guide && { guide: { value: guide } }),
    });
    return trainingUpdates(learner, batch, feeds.learningRate as Tensor1D, sgd);
  },
  perStep: {
    ...train.specs(batchSize),
    ...drawnSpecs(learner, batchSize),
    ...strongSpecs(learner, batchSize, train.set),
  },
  shared: placeFeeds,
  stepsPerCall,
});
