import { compile } from "../compile/program.js";
import type { EngineName, Entry, PrecisionName, Program } from "../compile/types.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import type { Model } from "../nn/model.js";
import type { TrainingMetrics } from "../report/log/contract.js";
import { isGpu } from "../runtime/device.js";
import { type Tensor1D, tf, type Variable } from "../runtime/tf.js";
import type { Batch } from "./batch.js";
import { type Calls, createPace, oneByOne } from "./calls.js";
import { drawnFeeds, drawnSpecs, drawnValues } from "./draws.js";
import { evaluationUpdates, type Learner, trainingUpdates, variablesOf } from "./learner.js";
import {
  createMetrics,
  type Evaluation,
  type Metrics,
  metricsSums,
  readMetrics,
  readTerms,
  setMetrics,
} from "./metrics.js";
import type { SgdOptions } from "./sgd.js";
import { type BatchSource, plainRows } from "./source.js";

/** Test images per step of an evaluation: enough to fill a GPU, and on a processor a fraction of a second's work. */
export const testBatch = (): number => (isGpu() ? 200 : 50);
/** Most evaluation steps that one call may take. */
const TEST_STEPS_PER_CALL = 10;
/** Most training steps that one call may take. */
const STEPS_PER_CALL = 64;

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
  /** Steps of the first call, before anything is known of their time. */
  readonly firstSteps: number;
  /**
   * Trains on consecutive batches.
   * @param rows plan rows of whole batches, or of the one short batch at an epoch's end
   * @param upcoming plan rows of the whole batches after these, as far as is known
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
  dispose(): void;
}

/** Compiles a run. The state's values are taken as they are in the tf.Variables now. */
export function openTrainingSession(description: SessionDescription): TrainingSession {
  const { learner, train, batchSize } = description;
  const short = train.set.count % batchSize;
  const stepsPerCall = evenCalls(Math.floor(train.set.count / batchSize), STEPS_PER_CALL);
  const whole = trainEntry(description, batchSize, stepsPerCall);
  const evaluation = evaluationEntry(learner.model, learner.metrics, description.test);
  const program = compile(description.engine, {
    name: learner.model.name,
    precision: description.precision,
    entries: {
      ...(train.set.count >= batchSize ? { train: whole } : {}),
      ...(short > 0 ? { train_short: trainEntry(description, short, 1) } : {}),
      evaluate: evaluation,
    },
    variables: {
      state: [
        ...variablesOf(learner.model.state),
        ...variablesOf(learner.extra),
        ...learner.velocities,
      ],
      metrics: Object.values(learner.metrics) as Variable[],
      constants: description.constants,
      images: [...new Set([...train.variables, ...description.test.variables])],
    },
  });
  for (const group of ["state", "metrics", "constants", "images"]) program.push(group);
  const clear = () => {
    setMetrics(learner.metrics, []);
    program.push("metrics");
  };
  return {
    stepsPerCall,
    firstSteps: firstSteps(stepsPerCall),
    train(rows, place, upcoming) {
      const started = performance.now();
      const values = {
        ...train.values(rows, upcoming),
        ...drawnValues(learner, rows, batchSize, place),
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
    dispose() {
      program.dispose();
      train.close?.();
    },
  };
}

/** Steps per call such that whole calls take as many of the steps as they can, and none is above a bound. */
const evenCalls = (steps: number, most: number): number =>
  Math.max(1, Math.floor(steps / Math.ceil(steps / most)) || 1);

/**
 * How many steps a first call takes: all that one may take on a GPU, where that is a fraction of a second and has a
 * program of its own; one on a processor, where a step can take seconds.
 */
const firstSteps = (stepsPerCall: number): number => (isGpu() ? stepsPerCall : 1);

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
    const batch: Batch = Object.create(train.batch(feeds), {
      epoch: { value: feeds.epoch },
      drawn: { value: drawnFeeds(feeds) },
    });
    return trainingUpdates(learner, batch, feeds.learningRate as Tensor1D, sgd);
  },
  perStep: { ...train.specs(batchSize), ...drawnSpecs(learner, batchSize) },
  shared: placeFeeds,
  stepsPerCall,
});

/** An evaluation of one batch; `counted` is 0 for rows that only fill the last one up. */
const evaluationEntry = (model: Model, metrics: Learner["metrics"], test: BatchSource): Entry => {
  const size = Math.min(testBatch(), test.set.count);
  return {
    step: (feeds) =>
      evaluationUpdates(model, metrics, test.batch(feeds), feeds.counted as Tensor1D),
    perStep: { ...test.specs(size), counted: { shape: [size], dtype: "float32" } },
    shared: {},
    stepsPerCall: evenCalls(Math.ceil(test.set.count / size), TEST_STEPS_PER_CALL),
  };
};

function* evaluateWith(
  program: Program,
  test: BatchSource,
  metrics: Learner["metrics"],
  clear: () => void,
): Calls<Evaluation> {
  const { count } = test.set;
  const size = Math.min(testBatch(), count);
  const steps = Math.ceil(count / size);
  const stepsPerCall = evenCalls(steps, TEST_STEPS_PER_CALL);
  clear();
  try {
    const pace = createPace(firstSteps(stepsPerCall));
    for (let step = 0; step < steps; ) {
      const taken = Math.min(pace.steps(), stepsPerCall, steps - step);
      const [from, to] = [step * size, (step + taken) * size];
      const counted = Float32Array.from({ length: to - from }, (_, i) =>
        from + i < count ? 1 : 0,
      );
      const started = performance.now();
      program.run("evaluate", { ...test.values(plainRows(from, to, test.set)), counted }, taken);
      pace.took(taken, performance.now() - started);
      step += taken;
      yield Math.min(to, count);
    }
    program.pull("metrics");
    const { loss, top1, top5 } = readMetrics(metrics);
    const confusion = metrics.confusion?.dataSync().slice() as Float32Array | undefined;
    return { loss, top1, top5, ...(confusion !== undefined && { confusion }) };
  } finally {
    clear();
  }
}

/** A compiled evaluation of one model. */
export interface EvaluationSession {
  /** Loss and accuracy on the test set, as the weights are now. Yields the number of images done. */
  evaluate(): Calls<Evaluation>;
  dispose(): void;
}

/**
 * Compiles an evaluation. The variables' values are taken as they are now.
 * @param metrics what it sums up; they are disposed of with the session
 */
export function openEvaluationSession(
  model: Model,
  constants: readonly Variable[],
  test: BatchSource,
  engine: EngineName,
  precision: PrecisionName,
  metrics: Learner["metrics"] = createMetrics(),
): EvaluationSession {
  const program = compile(engine, {
    name: model.name,
    precision,
    entries: { evaluate: evaluationEntry(model, metrics, test) },
    variables: { constants, images: test.variables, metrics: Object.values(metrics) },
  });
  const clear = () => {
    setMetrics(metrics, []);
    program.push("metrics");
  };
  for (const group of ["constants", "images"]) program.push(group);
  return {
    evaluate: () => evaluateWith(program, test, metrics, clear),
    dispose() {
      program.dispose();
      tf.dispose(Object.values(metrics));
    },
  };
}

/**
 * Loss and accuracy of a model on a test set, and the seconds that it took once compiled.
 * @param onProgress told the number of images done
 */
export async function evaluateModel(
  { model, constants, test }: EvaluationSubject,
  { engine, precision }: Pick<SessionDescription, "engine" | "precision">,
  metrics?: Learner["metrics"],
  onProgress: (images: number) => void = () => {},
): Promise<Evaluation & { readonly seconds: number }> {
  const session = openEvaluationSession(model, constants, test, engine, precision, metrics);
  try {
    const started = performance.now();
    const result = (await oneByOne(session.evaluate(), onProgress)) as Evaluation;
    return { ...result, seconds: (performance.now() - started) / 1000 };
  } finally {
    session.dispose();
  }
}

/** What is evaluated, and on what. */
export interface EvaluationSubject {
  readonly model: Model;
  /** Variables that the model reads. */
  readonly constants: readonly Variable[];
  readonly test: BatchSource;
}
