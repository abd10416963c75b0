import { compile } from "../compile/program.js";
import type { Call, EngineName, Entry, PrecisionName } from "../compile/types.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import type { Batch } from "../learn/batch.js";
import { type Learner, trainedVariables, trainingUpdates } from "../learn/learner.js";
import { type Metrics, metricsSums, readMetrics, readTerms, setMetrics } from "../learn/metrics.js";
import type { SgdOptions } from "../learn/sgd.js";
import type { TrainingMetrics } from "../report/log/contract.js";
import type { Tensor1D, Variable } from "../runtime/tf.js";
import { aheadOf, groupOf, guideOf } from "./ahead/guidance.js";
import { callsOf, evenCalls, firstSteps, mostSteps, STEPS_PER_CALL } from "./callSizes.js";
import type { Calls } from "./calls.js";
import { type CompilationHooks, compileCalls } from "./compilation.js";
import { evaluateWith, evaluationEntry, evaluationSteps } from "./evaluation.js";
import type { BatchSource } from "./feeds/batchSource.js";
import { drawnFeeds, drawnSpecs, drawnValues } from "./feeds/draws.js";
import { STRONG_FEED, strongSpecs, strongValues } from "./feeds/strongView.js";

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
  const evaluation = evaluationEntry(
    learner.evaluated ?? learner.model,
    learner.metrics,
    description.test,
  );
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

const trainEntry = (
  { learner, train, sgd }: SessionDescription,
  batchSize: number,
  stepsPerCall: number,
): Entry => ({
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
