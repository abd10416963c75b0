import { compile } from "../compile/program.js";
import type { EngineName, Entry, PrecisionName, Program } from "../compile/types.js";
import { type EvaluatedModel, evaluationUpdates } from "../learn/learner.js";
import { createMetrics, type Evaluation, type MetricsVariables, readMetrics, setMetrics } from "../learn/metrics.js";
import type { Model } from "../nn/model.js";
import { isGpu } from "../runtime/device.js";
import { float32Note } from "../runtime/ownModule.js";
import { type Tensor1D, tf, type Variable } from "../runtime/tf.js";
import {
  type Calls,
  type CompilationHooks,
  callsOf,
  compileCalls,
  createPace,
  mostSteps,
  oneByOne,
  stepsPerCallOf,
} from "./calls.js";
import { type Devices, sumOver } from "./devices.js";
import type { EngineChoice } from "./engine.js";
import type { Hooks } from "./files/result.js";
import { type BatchSource, plainRows } from "./source.js";

/** Test images per step: they fill a GPU, and take a CPU a fraction of a second. */
export const testBatch = (): number => (isGpu() ? 200 : 50);
const TEST_STEPS_PER_CALL = 10;

const stepsPerCallFor = ({ set, mostImages }: BatchSource, size: number): number =>
  stepsPerCallOf([Math.ceil(set.count / size)], mostSteps(TEST_STEPS_PER_CALL, size, mostImages));

/** Steps of an evaluation. */
export const evaluationSteps = ({ set }: BatchSource): number =>
  Math.ceil(set.count / Math.min(testBatch(), set.count));

/** Evaluation of a batch; `counted` is 0 for padding. */
export const evaluationEntry = (model: EvaluatedModel, metrics: MetricsVariables, test: BatchSource): Entry => {
  const size = Math.min(testBatch(), test.set.count);
  return {
    step: (feeds) => evaluationUpdates(model, metrics, test.batch(feeds), feeds.counted as Tensor1D),
    perStep: { ...test.specs(size), counted: { shape: [size], dtype: "float32" } },
    shared: {},
    stepsPerCall: stepsPerCallFor(test, size),
  };
};

/**
 * Runs the program's `evaluate` over a test set; yields the number of images done.
 * @param devices among which the batches are divided
 */
export function* evaluateWith(
  program: Program,
  test: BatchSource,
  metrics: MetricsVariables,
  clear: () => void,
  devices?: Devices,
): Calls<Evaluation> {
  const { rank = 0, size: among = 1 } = devices ?? {};
  const { count } = test.set;
  const size = Math.min(testBatch(), count);
  const steps = Math.ceil(count / size);
  clear();
  try {
    const pace = createPace(program, stepsPerCallFor(test, size));
    for (let step = rank; step < steps; ) {
      const taken = among > 1 ? 1 : Math.min(pace.steps(), steps - step);
      const [from, to] = [step * size, (step + taken) * size];
      const counted = Float32Array.from({ length: to - from }, (_, i) => (from + i < count ? 1 : 0));
      const started = performance.now();
      const next = step + taken + among - 1;
      const [first, ahead] = [next * size, among > 1 ? size : (test.mostImages ?? 0)];
      const upcoming = plainRows(first, Math.max(first, Math.min(steps * size, first + ahead)), test.set);
      const values = test.values(plainRows(from, to, test.set), upcoming);
      program.run("evaluate", { ...values, counted }, taken);
      pace.took(taken, performance.now() - started);
      step = next;
      yield Math.min(to, count);
    }
    program.pull("metrics");
    if (devices !== undefined) setMetrics(metrics, [...sumOver(devices, metrics.total)]);
    const { loss, top1, top5 } = readMetrics(metrics);
    const confusion = metrics.confusion?.dataSync().slice() as Float32Array | undefined;
    return { loss, top1, top5, ...(confusion !== undefined && { confusion }) };
  } finally {
    clear();
  }
}

export interface NamedModel extends EvaluatedModel, Pick<Model, "name"> {}

export interface EvaluationSession {
  /** Before the first step. */
  compile(device: string, hooks: CompilationHooks): Promise<void>;
  /** Loss and accuracy at the current weights; yields the number of images done. */
  evaluate(): Calls<Evaluation>;
  dispose(): void;
}

/** Compiles an evaluation from the variables' current values. @param metrics its sums, disposed of with it */
export function openEvaluationSession(
  model: NamedModel,
  constants: readonly Variable[],
  test: BatchSource,
  engine: EngineName,
  precision: PrecisionName,
  metrics: MetricsVariables = createMetrics(),
  onWarning: (text: string) => void = () => {},
): EvaluationSession {
  const entry = evaluationEntry(model, metrics, test);
  const program = compile(engine, {
    name: model.name,
    precision,
    onWarning,
    entries: { evaluate: entry },
    variables: { constants, images: test.variables, metrics: Object.values(metrics) },
  });
  const clear = () => {
    setMetrics(metrics, []);
    program.push("metrics");
  };
  for (const group of ["constants", "images", "metrics"]) program.push(group);
  const calls = callsOf("evaluate", [evaluationSteps(test)], entry.stepsPerCall);
  return {
    compile: async (device, hooks) => void (await compileCalls(program, calls, device, hooks)),
    evaluate: () => evaluateWith(program, test, metrics, clear),
    dispose() {
      program.dispose();
      tf.dispose(Object.values(metrics));
    },
  };
}

export interface EvaluationHooks extends CompilationHooks {
  readonly onProgress?: (images: number) => void;
  /** Of the program cache. */
  readonly onWarning?: (text: string) => void;
}

/** Loss, accuracy and seconds without compilation; undefined when the signal ended it. */
export async function evaluateModel(
  { model, constants, test }: EvaluationSubject,
  { engine, precision, device }: EngineChoice,
  metrics?: MetricsVariables,
  hooks: EvaluationHooks = {},
): Promise<(Evaluation & { readonly seconds: number }) | undefined> {
  const { onProgress = () => {}, onWarning } = hooks;
  const session = openEvaluationSession(...([model, constants, test, engine, precision, metrics, onWarning] as const));
  try {
    await session.compile(device, hooks);
    const started = performance.now();
    const result = await oneByOne(session.evaluate(), onProgress, hooks.signal);
    const note = float32Note();
    if (note !== undefined) hooks.notice?.(note);
    return result && { ...result, seconds: (performance.now() - started) / 1000 };
  } finally {
    session.dispose();
  }
}

/** The evaluation of a model beside a run's own; undefined when the signal ended it. */
export const evaluateBeside = (
  subject: EvaluationSubject,
  choice: EngineChoice,
  { reporter, signal, blocking }: Hooks,
  onProgress?: (images: number) => void,
) =>
  evaluateModel(subject, choice, createMetrics(), {
    notice: reporter.notice,
    onWarning: reporter.warn,
    signal,
    ...(blocking && { blocking }),
    ...(onProgress && { onProgress }),
  });

export interface EvaluationSubject {
  readonly model: NamedModel;
  readonly constants: readonly Variable[];
  readonly test: BatchSource;
}
