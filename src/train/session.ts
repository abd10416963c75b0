import { compile } from "../compile/program.js";
import type { Call, EngineName, Entry, FeedSpec, Feeds, FeedValues, PrecisionName } from "../compile/types.js";
import { assembleClassBatch } from "../data/classView.js";
import { type ImageSet, type ImageShape, inMemory } from "../data/dataset.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import { assembleStrongBatch } from "../data/strong/strongView.js";
import { type Learner, trainedVariables, trainingUpdates } from "../learn/learner.js";
import { type Metrics, metricsSums, readMetrics, readTerms, setMetrics } from "../learn/metrics.js";
import { MIX_COLUMNS } from "../learn/mixing.js";
import type { Batch } from "../learn/objective.js";
import type { SgdOptions } from "../learn/optimizers.js";
import { batchParts, mixValues, rateIn, SCALAR_COUNT, SCALAR_FEED } from "../learn/recipe.js";
import type { TrainingMetrics } from "../report/log/contract.js";
import { tf, type Variable } from "../runtime/tf.js";
import {
  type Calls,
  type CompilationHooks,
  callsOf,
  compileCalls,
  createPace,
  epochParts,
  mostTrainingSteps,
  type Pace,
  stepsPerCallOf,
} from "./calls.js";
import { type Devices, ownRows, sharedStep } from "./devices.js";
import { evaluateWith, evaluationEntry, evaluationSteps } from "./evaluation.js";
import { type BatchSource, imageColumn } from "./source.js";
import { aheadOf, groupOf, guideOf } from "./teacherAhead.js";

export interface Stage {
  readonly learner: Learner;
  /** From 1. */
  readonly first: number;
  /** After its last one. */
  readonly end: number;
  /** Whether its optimizer starts afresh. */
  readonly resetsMomentum: boolean;
  /** First epoch since which the optimizer counts its updates. */
  readonly optimizerFrom: number;
  /** First epoch of the learning-rate schedule; none for a phase with its own rate. */
  readonly scheduleFrom?: number;
  /** Constant, in place of the schedule. */
  readonly learningRate?: number;
}

/** A training's parts in order. */
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
      optimizerFrom: from,
      ...(phase.continues && { scheduleFrom: from }),
      ...(learningRate !== undefined && { learningRate }),
    });
    [first, continues] = [end, phase.continues];
  }
  const scheduleFrom = continues ? from : first;
  const end = Number.POSITIVE_INFINITY;
  const own = { resetsMomentum: !continues, optimizerFrom: scheduleFrom, scheduleFrom };
  return [...stages, { learner, first, end, ...own }];
}

/** Terms of all parts, without repetition, in order. */
export const stageTerms = (stages: readonly Stage[]): string[] => [
  ...new Set(stages.flatMap(({ learner }) => learner.objective.termNames)),
];

/** The notice for a run that ends before its main part. */
export function shortRunText(stages: readonly Stage[], epochs: number): string | undefined {
  const { first } = stages.at(-1) as Stage;
  if (first <= epochs) return undefined;
  return `Of --epochs ${epochs} the method's first ${first - 1} are a phase before its main part, which this run does not reach; --resume with --epochs ${first} or more continues with it.`;
}

const PREFIX = "drawn.";

const prefixed = <Value>(values: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [PREFIX + name, value]));

/** Feeds of random inputs for N images. */
export const randomInputSpecs = ({ draws }: Learner, images: number): Record<string, FeedSpec> =>
  draws === undefined ? {} : prefixed(draws.specs(images));

/** A step's random inputs by the method's names. */
export const randomInputsOf = (feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds)
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, value]) => [name.slice(PREFIX.length), value]),
  );

/** Random inputs of consecutive steps, each with its own stream. @param rows their sampler rows */
export function randomInputValues(
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
  const joined = Object.keys(first).map((name) => [name, joinedArrays(steps.map((s) => s[name] as HostArray))]);
  return prefixed(Object.fromEntries(joined));
}

type HostArray = Float32Array | Int32Array;

function joinedArrays(parts: readonly HostArray[]): HostArray {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = parts[0] instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

const STRONG_FEED = "strong";

const strongSpecs = (
  { strongView }: Learner,
  images: number,
  { height, width, channels }: ImageShape,
): Record<string, FeedSpec> =>
  strongView === undefined ? {} : { [STRONG_FEED]: { shape: [images, height, width, channels], dtype: "float32" } };

/** For consecutive steps. @param rows their sampler rows */
const strongValues = (
  { strongView }: Learner,
  rows: Int32Array,
  set: ImageSet,
  { epoch }: { readonly epoch: number },
): FeedValues => {
  if (strongView === undefined) return {};
  const assemble = strongView.classView ? assembleClassBatch : assembleStrongBatch;
  return { [STRONG_FEED]: assemble(inMemory(set), rows, { ...strongView, epoch }) };
};

export interface SessionDescription {
  readonly engine: EngineName;
  readonly precision: PrecisionName;
  readonly learner: Learner;
  readonly constants: readonly Variable[];
  readonly batchSize: number;
  readonly train: BatchSource;
  readonly test: BatchSource;
  readonly sgd: SgdOptions;
  /** What a recipe's step is fed (learn/recipe.ts). */
  readonly scalars?: (epoch: number, step: number) => readonly number[];
  /** Of what steps draw. */
  readonly seed?: number;
  /** Steps per pass of the frozen teacher, with XLA; 1 by default. */
  readonly ahead?: number;
  /** Whether a line or log is due after a step (1-based), which ends a call. */
  readonly isDue?: (step: number) => boolean;
  readonly onWarning?: (text: string) => void;
  /** Where several processes train together. */
  readonly devices?: Devices | undefined;
}

export interface TrainingPlace {
  readonly learningRate: number;
  /** From 1. */
  readonly epoch: number;
  /** The first one, from 1, within the epoch. */
  readonly step: number;
}

/** Compiled training and evaluation over one set of variables. */
export interface TrainingSession {
  /** Most steps per call of `train`. */
  readonly stepsPerCall: number;
  compile(device: string, hooks: CompilationHooks): Promise<void>;
  /** Of an epoch's calls. */
  pace(): Pace;
  /**
   * Trains on consecutive batches.
   * @param rows of full batches, or of an epoch's partial one
   * @param upcoming rows of later batches, as far as known
   * @param next steps of the next call, which takes the first of `upcoming`: their images may be copied to the device
   * while this one computes
   * @returns seconds of making the batches
   * @throws RangeError where the call before has brought others
   */
  train(rows: Int32Array, place: TrainingPlace, upcoming?: Int32Array, next?: number): number;
  /** Means since the last restart. */
  metrics(): TrainingMetrics & { readonly images: number };
  sums(): number[];
  /** Sets the metric sums to those of a resumed run; an empty list sets zeros. */
  restart(sums: readonly number[]): void;
  /** Loss and accuracy at the current weights; resets the sums, yields the number of images done. */
  evaluate(): Calls<Metrics>;
  /** Copies trained state to tf.Variables. */
  pull(): void;
  /** Frees programs, not sources. */
  dispose(): void;
}

/** Compiles a run from the variables' current values. */
export function openTrainingSession(description: SessionDescription): TrainingSession {
  const { learner, train, batchSize, devices } = description;
  const short = learner.wholeBatches ? 0 : train.set.count % batchSize;
  const steps = Math.floor(train.set.count / batchSize);
  const group = devices === undefined ? groupOf(description, steps) : 1;
  const parts = epochParts(steps, description.isDue);
  const most = devices === undefined ? mostTrainingSteps(batchSize, train.mostImages) : 1;
  const stepsPerCall = stepsPerCallOf(parts, most, group);
  const isStaged = devices === undefined && train.staged !== undefined;
  const evaluation = evaluationEntry(learner.evaluated ?? learner.model, learner.metrics, description.test);
  const trained = new Set(trainedVariables(learner));
  const variables = {
    state: [...trained],
    metrics: Object.values(learner.metrics) as Variable[],
    constants: description.constants.filter((constant) => !trained.has(constant)),
    images: [...new Set([...train.variables, ...description.test.variables])],
  };
  const sizes = { ...(train.set.count >= batchSize && { train: batchSize }), ...(short > 0 && { train_short: short }) };
  const shared = new Map(
    devices === undefined
      ? []
      : Object.entries(sizes).map(([name, images]) => [
          name,
          sharedStep(devices, {
            name,
            images,
            learner,
            sgd: description.sgd,
            reads: Object.values(variables).flat(),
            entryOf: (own) => trainEntry(description, own, 1),
            batchOf: (feeds) => batchIn(description, feeds),
          }),
        ]),
  );
  const entryOf = (name: string, images: number): Record<string, Entry> => ({
    [name]: {
      ...trainEntry(description, images, name === "train" ? stepsPerCall : 1),
      ...(name === "train" && isStaged && { staged: train.staged as string }),
      ...(name === "train" && group > 1 && { ahead: aheadOf(description, group) }),
    },
  });
  const entries = Object.entries(sizes).map(([name, images]) => shared.get(name)?.entries ?? entryOf(name, images));
  const program = compile(description.engine, {
    name: learner.model.name,
    precision: description.precision,
    ...(description.onWarning && { onWarning: description.onWarning }),
    entries: { ...Object.assign({}, ...entries), evaluate: evaluation },
    variables: { ...variables, ...Object.fromEntries(Array.from(shared, ([name, { vector }]) => [name, [vector]])) },
  });
  for (const group of ["state", "metrics", "constants", "images"]) program.push(group);
  const soon = (rows: Int32Array): Int32Array =>
    rows.subarray(0, (batchSize + 2 * (train.mostImages ?? 0) * (devices?.size ?? 1)) * PLAN_COLUMNS);
  const clear = () => {
    setMetrics(learner.metrics, []);
    program.push("metrics");
  };
  /** The next call's values where its images are on the device already. */
  let staged: { readonly rows: Int32Array; readonly values: FeedValues } | undefined;
  const alone: Call[] = [...callsOf("train", parts, stepsPerCall), ...callsOf("train_short", short > 0 ? [1] : [], 1)];
  const together = [...shared.values()].flatMap((step) => Object.keys(step.entries).map((name): Call => [name, 1]));
  const calls: Call[] = [
    ...(devices === undefined ? alone : together),
    ...callsOf("evaluate", [evaluationSteps(description.test)], evaluation.stepsPerCall),
  ];
  return {
    async compile(device, hooks) {
      if (!(await compileCalls(program, calls, device, hooks))) return;
      for (const group of ["state", "metrics"]) program.push(group);
    },
    stepsPerCall,
    pace: () => createPace(program, stepsPerCall, group),
    train(all, place, upcoming = new Int32Array(0), next = 0) {
      const started = performance.now();
      const images = all.length / PLAN_COLUMNS;
      const [name, taken] = images % batchSize === 0 ? ["train", images / batchSize] : ["train_short", 1];
      const step = shared.get(name);
      const rows = devices === undefined ? all : ownRows(devices, all, batchSize);
      const later = devices === undefined ? upcoming : ownRows(devices, soon(upcoming), batchSize);
      const placed = {
        learningRate: Float32Array.of(place.learningRate),
        epoch: Float32Array.of(place.epoch),
        ...recipeFeeds(description, place, images, rows.length / PLAN_COLUMNS),
      };
      const ready = staged;
      staged = undefined;
      if (ready?.rows.some((value, i) => value !== rows[i])) throw new RangeError("The call before staged other rows.");
      const own = rows.length > 0 ? (ready?.values ?? train.values(rows, later)) : undefined;
      const values = own && {
        ...own,
        ...randomInputValues(learner, rows, step?.own ?? batchSize, place),
        ...strongValues(learner, rows, train.set, place),
      };
      if (isStaged && own && name === "train" && taken === stepsPerCall) {
        if (!ready) program.stage?.(name, own);
        const [following, rest] = [upcoming.subarray(0, rows.length), upcoming.subarray(rows.length)];
        const isWhole = next === stepsPerCall && following.length === rows.length;
        if (isWhole) staged = { rows: following, values: train.values(following, rest) };
      }
      const dataSeconds = (performance.now() - started) / 1000;
      if (values) program.run(name, { ...values, ...placed }, taken, staged?.values);
      if (step !== undefined) {
        program.pull(name);
        program.run(`${name}_update`, { ...step.sum(), ...placed }, 1);
      }
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
    evaluate: () => evaluateWith(program, description.test, learner.metrics, clear, devices),
    pull: () => program.pull("state"),
    dispose() {
      program.dispose();
      tf.dispose(Array.from(shared.values(), ({ vector }) => vector));
    },
  };
}

const placeFeeds = { learningRate: { shape: [], dtype: "float32" }, epoch: { shape: [], dtype: "float32" } } as const;

/** For consecutive steps, or for a last short one. @param own images of this process */
function recipeFeeds(
  { scalars, learner, batchSize, train, seed = 0 }: SessionDescription,
  { epoch, step }: TrainingPlace,
  images: number,
  own: number,
): FeedValues {
  if (scalars === undefined) return {};
  const steps = Math.ceil(images / batchSize);
  const task = learner.recipe?.task;
  const mixes = task?.mixing !== undefined;
  return {
    [SCALAR_FEED]: Float32Array.from(Array.from({ length: steps }, (_, i) => scalars(epoch, step + i)).flat()),
    ...(mixes && { mix: mixValues(task, train.set, own / steps, steps, { seed, epoch, step }) }),
  };
}

/** Inherited, not copied, so that lazy properties stay lazy. */
function batchIn({ learner, train }: SessionDescription, feeds: Feeds): Batch {
  const guide = guideOf(learner, feeds);
  const own = train.batch(feeds);
  const parts = learner.recipe?.task ? batchParts(learner.recipe.task, own, train.set, feeds.mix) : {};
  return Object.create(own, {
    ...Object.fromEntries(Object.entries(parts).map(([name, value]) => [name, { value }])),
    epoch: { value: feeds.epoch },
    drawn: { value: randomInputsOf(feeds) },
    strong: { value: feeds[STRONG_FEED] },
    ...(guide && { guide: { value: guide } }),
  });
}

const trainEntry = (description: SessionDescription, batchSize: number, stepsPerCall: number): Entry => {
  const { learner, train, sgd, scalars } = description;
  return {
    step: (feeds) => trainingUpdates(learner, batchIn(description, feeds), rateIn(feeds), sgd),
    perStep: {
      ...train.specs(batchSize),
      ...randomInputSpecs(learner, batchSize),
      ...strongSpecs(learner, batchSize, train.set),
      ...(scalars && { [SCALAR_FEED]: { shape: [SCALAR_COUNT], dtype: "float32" as const } }),
      ...(learner.recipe?.task?.mixing && { mix: { shape: [batchSize, MIX_COLUMNS], dtype: "float32" as const } }),
    },
    shared: placeFeeds,
    stepsPerCall,
  };
};
