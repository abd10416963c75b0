import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import type { StateDict } from "../common/stateDict.js";
import { modelNameIn } from "../config/modelName.js";
import type { EvalOptions } from "../config/options.js";
import { classesIn, reencodingNote, type TestImages } from "../data/dataset.js";
import { DATASETS, sizedDataset } from "../data/registry.js";
import { skipListIn } from "../data/skipList.js";
import { variablesOf } from "../learn/learner.js";
import { createDetailedMetrics } from "../learn/metrics.js";
import { buildModel } from "../models/build.js";
import { modelRow } from "../models/registry.js";
import { stateLayout } from "../models/survey.js";
import { deviceWarning, mayUseTf32 } from "../runtime/device.js";
import { loadTensorFlow, tf } from "../runtime/tf.js";
import { arithmeticOf, chooseEngine, precisionNote } from "./engine.js";
import { evaluateModel, testBatch } from "./evaluation.js";
import { openPredictorOf, type PredictorOf, readPredictor } from "./files/predictor.js";
import type { EvalResult, Hooks } from "./files/result.js";
import { loadState, tensorsFor } from "./files/stateFiles.js";
import { refuseOtherClasses, unknownModel } from "./openModel.js";
import { type BatchSource, chooseSources } from "./source.js";

export interface DetailedEval {
  readonly result: EvalResult;
  /** [classes * classes], labels (rows) by predictions (columns). */
  readonly confusion: Float32Array;
}

interface Subject {
  readonly options: EvalOptions;
  readonly name: string;
  readonly state: StateDict;
  /** If the run's evaluations used more than the model. */
  readonly predictor: PredictorOf;
}

export interface EvalHooks extends Pick<Hooks, "env"> {
  onProgress(checkpoint: string, images: number, total: number): void;
  readonly onWarning?: (text: string) => void;
  readonly onNotice?: (text: string) => void;
  /** Ends the evaluation; its reason is thrown. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Evaluates checkpoints on the test images, after checking all files.
 * @param evaluations at least one; they share their data
 * @throws inputError for a file that is no checkpoint of its model, an unknown model, or unreadable data
 */
export async function runEvaluations(evaluations: readonly EvalOptions[], hooks: EvalHooks): Promise<DetailedEval[]> {
  const subjects: Subject[] = [];
  for (const options of evaluations) subjects.push(await readSubject(options));
  const { dataset, image_size, data, limit_test, skip_list, gpu, no_cache } = evaluations[0] as EvalOptions;
  const skip = skipListIn(skip_list);
  const images = await sizedDataset(dataset, image_size).openTest(data, limit_test, skip);
  const exactFloat32 = evaluations.every((options) => precisionOf(options) === "float32");
  loadTensorFlow({ env: hooks.env, gpu, keepPrograms: !no_cache, exactFloat32 });
  const warning = deviceWarning(hooks.env);
  if (warning !== undefined) hooks.onWarning?.(warning);
  const changed = reencodingNote(images.test);
  if (changed !== undefined) hooks.onWarning?.(changed);
  const details: DetailedEval[] = [];
  for (const subject of subjects) details.push(await evaluateSubject(subject, images, hooks));
  return details;
}

async function readSubject(options: EvalOptions): Promise<Subject> {
  const { checkpoint } = options;
  const { state, metadata } = await readCheckpoint(checkpoint);
  const name = options.model ?? modelNameIn(metadata);
  if (name === undefined) {
    if (typeof metadata.model === "string") modelRow(metadata.model); // throws: that is no model here
    throw unknownModel(checkpoint);
  }
  const numClasses = await classesIn(DATASETS.row(options.dataset), options.data);
  const layout = stateLayout(name, numClasses);
  refuseOtherClasses(layout, state, { name: options.dataset, numClasses }, checkpoint);
  tensorsFor(layout, state, { path: checkpoint, modelName: name });
  return { options, name, state, predictor: await readPredictor(checkpoint, metadata) };
}

/** float32 by default: published accuracies must not depend on the device. */
const precisionOf = ({ precision }: EvalOptions): EvalOptions["precision"] =>
  precision === "auto" ? "float32" : precision;

async function evaluateSubject(
  { options, name, state, predictor }: Subject,
  { numClasses, test: images }: TestImages,
  { env, onProgress, onNotice, onWarning, signal }: EvalHooks,
): Promise<DetailedEval> {
  signal?.throwIfAborted();
  const { checkpoint } = options;
  const choice = chooseEngine({ ...options, precision: precisionOf(options) }, env);
  const note = precisionNote(choice, arithmeticOf(env));
  if (note !== undefined) onNotice?.(note);
  const [test] = chooseSources([images], choice.engine, {
    budgetMb: options.data_budget_mb,
    workers: options.num_workers,
    batchSize: testBatch(),
  }) as [BatchSource];
  const model = buildModel(name, numClasses, "zeros", images.height);
  loadState(model.state, state, { path: checkpoint, modelName: name });
  const through = openPredictorOf(model, predictor, { checkpoint, done: "evaluated", warn: onWarning });
  const constants = [...variablesOf(model.state), ...(through?.variables ?? [])];
  const n = test.set.count;
  const evaluation = evaluateModel(
    { model: { ...(through?.evaluated ?? model), name }, constants, test },
    choice,
    createDetailedMetrics(numClasses),
    {
      onProgress: (done) => onProgress(checkpoint, done, n),
      ...(onNotice && { notice: onNotice }),
      ...(onWarning && { onWarning }),
      ...(signal && { signal }),
    },
  );
  const ended = await evaluation.finally(() => {
    test.close?.();
    tf.dispose([...constants, ...test.variables]);
  });
  if (ended === undefined) throw signal?.reason;
  const { seconds, confusion, ...metrics } = ended;
  const result = {
    model: name,
    checkpoint,
    n,
    ...metrics,
    imagesPerSecond: n / seconds,
    ...choice,
    tf32: mayUseTf32(env),
    ...(through !== undefined && { predictsThrough: through.evaluated.method }),
  };
  return { result, confusion: confusion as Float32Array };
}
