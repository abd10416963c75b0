import type { ImagesInMemory } from "../data/dataset.js";
import { assembleTestBatch } from "../data/hostBatch.js";
import type { EvaluatedStudent } from "../learn/learner.js";
import type { Model } from "../nn/model.js";
import { tf } from "../runtime/tf.js";
import { type Matrix, zeros } from "./matrix.js";

/** What a model says about some images. */
export interface Outputs {
  /** Penultimate features, [N, D] */
  readonly features: Matrix;
  /** The class with the largest logit, the first one of equals, [N] */
  readonly predictions: Int32Array;
}

/** Images per forward pass. */
const BATCH = 100;

/** What is looked at: a model, or a student as its method evaluates it. */
type Looked = Pick<Model, "featureSize"> & Pick<EvaluatedStudent, "forward">;

/**
 * A model's penultimate features and predictions for all images, in evaluation mode and float32. TensorFlow must be
 * loaded.
 */
export function collectOutputs(model: Looked, set: ImagesInMemory): Outputs {
  const features = zeros(set.count, model.featureSize);
  const predictions = new Int32Array(set.count);
  for (let from = 0; from < set.count; from += BATCH) {
    const to = Math.min(from + BATCH, set.count);
    const batch = forward(model, set, from, to);
    features.values.set(batch.features, from * model.featureSize);
    predictions.set(batch.predictions, from);
  }
  return { features, predictions };
}

function forward(model: Looked, set: ImagesInMemory, from: number, to: number) {
  return tf.tidy(() => {
    const { images } = assembleTestBatch(set, from, to);
    const shape: [number, number, number, number] = [to - from, set.height, set.width, 3];
    const output = model.forward(tf.tensor4d(images, shape), { training: false, updates: [] });
    return {
      features: output.pooled.dataSync(),
      predictions: tf.argMax(output.logits, 1).dataSync(),
    } as unknown as { features: Float32Array; predictions: Int32Array };
  });
}
