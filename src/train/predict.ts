import { dirname } from "node:path";
import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { checkpointFileOf } from "../checkpoint/savedModelFolder.js";
import { inputError, PefdError } from "../common/errors.js";
import { DATA_PLACE } from "../config/commandOptions.js";
import { modelNameIn, modelNameOf } from "../config/modelName.js";
import type { DatasetRow, ImageFormat } from "../data/dataset.js";
import { valuesOf } from "../data/hostBatch.js";
import { knownTable } from "../data/normalize.js";
import { sizedDataset } from "../data/registry.js";
import { variablesOf } from "../learn/learner.js";
import { buildModel } from "../models/build.js";
import { classesOfState } from "../models/survey.js";
import { readConfig } from "../runFiles/identity.js";
import { loadTensorFlow, tf } from "../runtime/tf.js";
import { openPredictorOf, readPredictor } from "./files/predictor.js";
import { loadState } from "./files/stateFiles.js";
import { unknownModel } from "./openModel.js";

export interface PredictOptions {
  readonly checkpoint: string;
  /** From the checkpoint where undefined. */
  readonly model: string | undefined;
  readonly dataset: string;
  readonly image_size: number | undefined;
  /** The data set's folder, for class names; that of the checkpoint's run where undefined. */
  readonly data: string | undefined;
  readonly gpu?: number | undefined;
}

/** Predictions of N images. */
export interface Predictions {
  /** [N * classes], the softmax of the logits. */
  readonly probabilities: Float32Array;
  /** [N * featureSize], the pooled features. */
  readonly features: Float32Array;
}

/** A trained model with the preprocessing that its evaluations had. */
export interface Classifier {
  readonly row: DatasetRow;
  /** Names by label. */
  readonly classes: readonly string[];
  /** Length of the pooled features. */
  readonly featureSize: number;
  /** @param images [N * height * width * 3] bytes, RGB interleaved, in the size of the row's format */
  predict(images: Uint8Array): Predictions;
  dispose(): void;
}

/** The folder in which the run of a checkpoint read its data set; undefined if unknown. */
function dataOfRun(checkpoint: string, dataset: string): string | undefined {
  const found = readConfig(dirname(checkpointFileOf(checkpoint)));
  if (found.state !== "whole") return undefined;
  const { data, dataset: own } = found.content as Readonly<Record<string, unknown>>;
  return typeof data === "string" && own === dataset ? data : undefined;
}

/** A data set as a user names it: the checkpoint that was trained on it, and its folder, if given. */
export interface DataOf {
  readonly checkpoint: string;
  readonly data: string | undefined;
}

/** The folder of a checkpoint's data set: the given one, or that of its run, or the default. */
export const dataFolder = ({ defaults, name }: DatasetRow, { checkpoint, data }: DataOf): string =>
  data ?? dataOfRun(checkpoint, name) ?? `${defaults.data ?? DATA_PLACE.data.fallback}`;

/**
 * Class names by label, from the data set's folder: the given one, or that of the checkpoint's run. Numbers where
 * neither has them, which is said.
 * @throws inputError for a given folder with another number of classes
 */
export async function classNamesFor(
  row: DatasetRow,
  count: number,
  place: DataOf,
  notice: (text: string) => void,
): Promise<readonly string[]> {
  const { checkpoint, data } = place;
  const folder = dataFolder(row, place);
  const numbers = Array.from({ length: count }, (_, label) => `${label}`);
  const namesIn = async () => row.classNames(folder);
  const named = await namesIn().catch((error: unknown) => {
    if (error instanceof PefdError && data === undefined) return numbers;
    throw error;
  });
  if (named.length !== count && data !== undefined) {
    throw inputError(
      `${checkpoint} was trained for ${count} classes; ${folder} has ${named.length}.`,
      "Give the folder of the data set that it was trained on with --data.",
    );
  }
  if (named.length === count && named.join() !== numbers.join()) return named;
  notice(`${folder} has no class names, so classes are numbered; give the data set's folder with --data.`);
  return numbers;
}

/** [N, height, width, 3] normalised as in evaluation. */
function normalized(images: Uint8Array, { normalization }: ImageFormat): Float32Array {
  const table = knownTable(normalization);
  return Float32Array.from(images, (byte, i) => table[3 * byte + (i % 3)] as number);
}

/**
 * Opens a checkpoint for predictions, as its run evaluated it: with its predictor, if any.
 * @throws inputError for a file that is no checkpoint of its model, or an unknown model
 */
export async function openClassifier(
  options: PredictOptions,
  { env, notice }: { readonly env: Readonly<Record<string, string | undefined>>; notice(text: string): void },
): Promise<Classifier> {
  const { checkpoint, dataset, image_size, gpu } = options;
  const { state, metadata } = await readCheckpoint(checkpoint);
  const name = options.model ?? modelNameIn(metadata) ?? modelNameOf(checkpoint);
  if (name === undefined) throw unknownModel(checkpoint);
  const row = sizedDataset(dataset, image_size);
  const { height, width } = row.format;
  const numClasses = classesOfState(name, state);
  const classes = await classNamesFor(row, numClasses, options, notice);
  const predictor = await readPredictor(checkpoint, metadata);
  loadTensorFlow({ env, gpu, keepPrograms: false, exactFloat32: true });
  const model = buildModel(name, numClasses, "zeros", height);
  loadState(model.state, state, { path: checkpoint, modelName: name });
  const warn = (text: string) => notice(`warning: ${text}`);
  const through = openPredictorOf(model, predictor, { checkpoint, done: "used", warn });
  const evaluated = through?.evaluated ?? model;
  return {
    row,
    classes,
    featureSize: model.featureSize,
    predict: (images) =>
      tf.tidy(() => {
        const batch = tf.tensor4d(normalized(images, row.format), [
          images.length / valuesOf(row.format),
          height,
          width,
          3,
        ]);
        const { logits, pooled } = evaluated.forward(batch, { training: false, updates: [] });
        return {
          probabilities: tf.softmax(logits).dataSync() as Float32Array,
          features: pooled.dataSync() as Float32Array,
        };
      }),
    dispose: () => tf.dispose([...variablesOf(model.state), ...(through?.variables ?? [])]),
  };
}
