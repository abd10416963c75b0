import type { ImageShape } from "../data/dataset.js";
import type { EvaluatedStudent } from "../learn/learner.js";
import type { Model } from "../nn/model.js";
import { tf } from "../runtime/tf.js";
import { type BatchSource, plainImages } from "../train/source.js";

/** Rows of numbers in float64, [rows, columns] in C order: one row per sample. */
export type Matrix = { readonly rows: number; readonly columns: number; readonly values: Float64Array };

/** A matrix of zeros. */
export const zeros = (rows: number, columns: number): Matrix => ({
  rows,
  columns,
  values: new Float64Array(rows * columns),
});

/** Row i, [columns], sharing the matrix's memory. */
export const rowAt = ({ values, columns }: Matrix, i: number): Float64Array =>
  values.subarray(i * columns, (i + 1) * columns);

/** Dot product of two vectors of one length. */
export function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** L2 norm. */
export const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

/** target += factor * source, element by element. */
export function addScaled(target: Float64Array, factor: number, source: Float64Array): void {
  for (let i = 0; i < source.length; i++) target[i] = (target[i] as number) + factor * (source[i] as number);
}

/** The matrix less the mean of its rows, so that every column sums to 0. */
export function centered(matrix: Matrix): Matrix {
  const { rows, columns } = matrix;
  const mean = new Float64Array(columns);
  for (let i = 0; i < rows; i++) addScaled(mean, 1 / rows, rowAt(matrix, i));
  const result = { rows, columns, values: Float64Array.from(matrix.values) };
  for (let i = 0; i < rows; i++) addScaled(rowAt(result, i), -1, mean);
  return result;
}

export interface Outputs {
  /** Penultimate, [N, D] */
  readonly features: Matrix;
  /** Class with the largest logit, the first one of equals, [N] */
  readonly predictions: Int32Array;
}

/** Pixels per forward pass, 100 images of 32x32: all maps of a pass are in memory together. */
const PIXELS = 100 * 32 * 32;

/** Images per forward pass. */
export const imagesAtOnce = ({ height, width }: ImageShape): number =>
  Math.max(1, Math.floor(PIXELS / (height * width)));

/** The model to analyze, or a student as its method evaluates it. */
type Looked = Pick<Model, "featureSize"> & Pick<EvaluatedStudent, "forward">;

/** Penultimate features and predictions in evaluation mode, float32. TensorFlow must be loaded. */
export function collectOutputs(model: Looked, images: BatchSource): Outputs {
  const { count } = images.set;
  const step = imagesAtOnce(images.set);
  const features = zeros(count, model.featureSize);
  const predictions = new Int32Array(count);
  for (let from = 0; from < count; from += step) {
    const to = Math.min(from + step, count);
    const batch = forward(model, images, from, to);
    features.values.set(batch.features, from * model.featureSize);
    predictions.set(batch.predictions, from);
  }
  return { features, predictions };
}

function forward(model: Looked, images: BatchSource, from: number, to: number) {
  return tf.tidy(() => {
    const batch = plainImages(images, from, to);
    const output = model.forward(batch, { training: false, updates: [] });
    return {
      features: output.pooled.dataSync(),
      predictions: tf.argMax(output.logits, 1).dataSync(),
    } as unknown as { features: Float32Array; predictions: Int32Array };
  });
}
