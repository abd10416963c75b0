import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { inputError } from "../common/errors.js";
import { modelNameIn } from "../config/modelName.js";
import type { EvalOptions } from "../config/options.js";
import { loadTestSet } from "../data/cifar100.js";
import { buildModel } from "../models/build.js";
import { modelRow } from "../models/registry.js";
import { zeroFill } from "../nn/initialization.js";
import { loadTensorFlow, tf } from "../runtime/tf.js";
import { createDetailedMetrics } from "./confusion.js";
import { chooseEngine } from "./engine.js";
import { variablesOf } from "./learner.js";
import type { EvalResult, Hooks } from "./result.js";
import { evaluateModel } from "./session.js";
import { type BatchSource, chooseSources } from "./source.js";
import { loadState } from "./stateFiles.js";

/** Classes of CIFAR-100. */
const NUM_CLASSES = 100;

/** An evaluation with what each image was taken for. */
export interface DetailedEval {
  readonly result: EvalResult;
  /** [100 * 100], images by label (rows) and prediction (columns). */
  readonly confusion: Float32Array;
}

/**
 * Loss and accuracy of a checkpoint on the test images.
 * @throws inputError for a file that is no checkpoint of the model, an unknown model, or data that cannot be read
 */
export const runEval = async (
  options: EvalOptions,
  hooks: Pick<Hooks, "env">,
): Promise<EvalResult> => (await runDetailedEval(options, hooks)).result;

/**
 * The same, with the confusion matrix.
 * @throws inputError as runEval does
 */
export async function runDetailedEval(
  options: EvalOptions,
  { env }: Pick<Hooks, "env">,
): Promise<DetailedEval> {
  const { checkpoint, data, limit_test } = options;
  const { state, metadata } = await readCheckpoint(checkpoint);
  const name = options.model ?? modelNameIn(metadata);
  if (name === undefined) {
    throw inputError(
      `The model of ${checkpoint} cannot be told from the file or its folder.`,
      "Name it with --model, such as --model resnet8x4.",
    );
  }
  modelRow(name);
  const images = loadTestSet(data, limit_test);
  loadTensorFlow();
  const { engine, precision, device } = chooseEngine(options, env);
  const [test] = chooseSources([images], engine, options.data_budget_mb) as [BatchSource];
  const model = buildModel(name, NUM_CLASSES, zeroFill);
  loadState(model.state, state, { path: checkpoint, modelName: name });
  const variables = variablesOf(model.state);
  const { seconds, confusion, ...metrics } = evaluateModel(
    model,
    variables,
    test,
    engine,
    precision,
    createDetailedMetrics(NUM_CLASSES),
  );
  tf.dispose([...variables, ...test.variables]);
  const n = test.set.count;
  const result = {
    model: name,
    checkpoint,
    n,
    ...metrics,
    imagesPerSecond: n / seconds,
    engine,
    precision,
    device,
  };
  return { result, confusion: confusion as Float32Array };
}
