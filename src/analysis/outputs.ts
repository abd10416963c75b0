import type { ImageShape } from "../data/dataset.js";
import type { EvaluatedStudent } from "../learn/learner.js";
import type { Model } from "../nn/model.js";
import { tf } from "../runtime/tf.js";
import type { BatchSource } from "../train/feeds/batchSource.js";
import { plainImages } from "../train/feeds/plainImages.js";
import { type Matrix, zeros } from "./matrix.js";

/** What a model says about some images. */
export interface Outputs {
  /** Penultimate features, [N, D] */
  readonly features: Matrix;
  /** The class with the largest logit, the first one of equals, [N] */
  readonly predictions: Int32Array;
}

/** Pixels per forward pass, 100 images of 32x32: all maps of a pass are in memory together. */
const PIXELS = 100 * 32 * 32;

/** Images per forward pass. */
export const imagesAtOnce = ({ height, width }: ImageShape): number =>
  Math.max(1, Math.floor(PIXELS / (height * width)));

/** What is looked at: a model, or a student as its method evaluates it. */
type Looked = Pick<Model, "featureSize"> & Pick<EvaluatedStudent, "forward">;

/**
 * A model's penultimate features and predictions for all images, in evaluation mode and float32. TensorFlow must be
 * loaded.
 */
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
