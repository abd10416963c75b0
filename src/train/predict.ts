import { dirname } from "node:path";
import { readCheckpoint } from "../checkpoint/readCheckpoint.js";
import { checkpointFileOf } from "../checkpoint/savedModelFolder.js";
import { inputError, PefdError } from "../common/errors.js";
import { DATA_PLACE } from "../config/commandOptions.js";
import { modelNameIn, modelNameOf } from "../config/modelName.js";
import type { DatasetRow, ImageFormat, ImageSet } from "../data/dataset.js";
import { valuesOf } from "../data/hostBatch.js";
import { knownTable } from "../data/normalize.js";
import { sizedDataset } from "../data/registry.js";
import { variablesOf } from "../learn/learner.js";
import { buildModel } from "../models/build.js";
import { classesOfState } from "../models/survey.js";
import { readConfig } from "../runFiles/identity.js";
import { loadTensorFlow, type Tensor4D, tf } from "../runtime/tf.js";
import { testBatch } from "./evaluation.js";
import { openPredictorOf, readPredictor } from "./files/predictor.js";
import { loadState } from "./files/stateFiles.js";
import { unknownModel } from "./openModel.js";
import { type BatchSource, chooseSources, plainImages } from "./source.js";

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
  /** @param images [N, height, width, 3], normalised; within a tidy */
  forward(images: Tensor4D): Predictions;
  dispose(): void;
}

/** The settings of a checkpoint's run; none if they are unknown. */
function settingsOfRun(checkpoint: string): Readonly<Record<string, unknown>> {
  const found = readConfig(dirname(checkpointFileOf(checkpoint)));
  return found.state === "whole" ? (found.content as Readonly<Record<string, unknown>>) : {};
}

/** The folder in which the run of a checkpoint read its data set; undefined if unknown. */
function dataOfRun(checkpoint: string, dataset: string): string | undefined {
  const { data, dataset: own } = settingsOfRun(checkpoint);
  return typeof data === "string" && own === dataset ? data : undefined;
}

/** The checkpoint of a student's teacher; undefined if unknown. */
export function teacherOfRun(checkpoint: string): string | undefined {
  const { path_t } = settingsOfRun(checkpoint);
  return typeof path_t === "string" ? path_t : undefined;
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
  const forward = (images: Tensor4D) => {
    const { logits, pooled } = evaluated.forward(images, { training: false, updates: [] });
    return {
      probabilities: tf.softmax(logits).dataSync() as Float32Array,
      features: pooled.dataSync() as Float32Array,
    };
  };
  return {
    row,
    classes,
    featureSize: model.featureSize,
    forward,
    predict: (images) =>
      tf.tidy(() => {
        const shape = [images.length / valuesOf(row.format), height, width, 3] as [number, number, number, number];
        return forward(tf.tensor4d(normalized(images, row.format), shape));
      }),
    dispose: () => tf.dispose([...variablesOf(model.state), ...(through?.variables ?? [])]),
  };
}

/** An image, by its place in a set, whose most probable class is not its own. */
export type Mistake = Readonly<Record<"image" | "label" | "predicted" | "probability", number>>;

/**
 * Images of a labelled set that a student gets wrong and its teacher right, those that the student is surest of first.
 * @param onProgress called with how many images were looked at
 */
export function mistakes(
  { student, teacher, set }: { readonly student: Classifier; readonly teacher: Classifier; readonly set: ImageSet },
  onProgress: (images: number) => void,
): Mistake[] {
  const size = testBatch();
  const [source] = chooseSources([set], "eager", { batchSize: size }) as [BatchSource];
  const found: Mistake[] = [];
  try {
    for (let from = 0; from < set.count; from += size) {
      const to = Math.min(set.count, from + size);
      const [ours, theirs] = tf.tidy(() => {
        const images = plainImages(source, from, to);
        return [student, teacher].map((classifier) => classifier.forward(images).probabilities);
      }) as [Float32Array, Float32Array];
      const [guesses, known] = [topLabels(ours, to - from), topLabels(theirs, to - from)];
      for (const [i, { label: predicted, probability }] of guesses.entries()) {
        const label = set.labels[from + i] as number;
        if (predicted !== label && known[i]?.label === label)
          found.push({ image: from + i, label, predicted, probability });
      }
      onProgress(to);
    }
  } finally {
    source.close?.();
    tf.dispose([...source.variables]);
  }
  return found.sort((a, b) => b.probability - a.probability || a.image - b.image);
}

/** Of each image the lowest label with the largest probability. @param probabilities [count * classes] */
const topLabels = (probabilities: Float32Array, count: number) =>
  Array.from({ length: count }, (_, i) => {
    const classes = probabilities.length / count;
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    const probability = Math.max(...row);
    return { label: row.indexOf(probability), probability };
  });
