import assert from "node:assert/strict";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { normalizationTable } from "#pefd/data/normalize.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { buildModel } from "#pefd/models/build.js";
import { MODELS } from "#pefd/models/registry.js";
import { stateLayout } from "#pefd/models/survey.js";
import { type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { loadState } from "#pefd/train/files/stateFiles.js";
import { formulaOf } from "../helpers/formula.js";

export const OUTPUTS = ["logits", "probabilities", "features"] as const;
/** Images of bytesFor. */
export const IMAGES = 3;
/** Generated images [IMAGES, side, side, 3]. */
export const bytesFor = (side: number) =>
  Uint8Array.from({ length: IMAGES * side * side * 3 }, (_, i) => (i * 37 + (i >> 5)) % 256);

export const sideOf = (name: string): number => MODELS.row(name).imageSize ?? 32;

const classesFor = (name: string): number => MODELS.row(name).numClasses ?? 100;

/** A model's state filled by the formula of the golden files. */
export const stateOf = (name: string) =>
  formulaOf(stateLayout(name, classesFor(name)).map(({ name: tensor, shape, role }) => [tensor, shape, role]));

/** bytesFor as a model takes it, within a tidy. */
export function normalizedImages(side: number): Tensor4D {
  const table = normalizationTable(side === 32 ? CIFAR100_FORMAT.normalization : IMAGENET);
  const values = Float32Array.from(bytesFor(side), (byte, i) => table[byte * 3 + (i % 3)] as number);
  return tf.tensor4d(values, [IMAGES, side, side, 3]);
}

/** What the model itself computes of bytesFor. */
export function expectedOutputs(name: string): Record<string, Float32Array> {
  const side = sideOf(name);
  const model = buildModel(name, classesFor(name), "zeros", side);
  loadState(model.state, stateOf(name), { path: "formula", modelName: name });
  const found = tf.tidy(() => {
    const images = normalizedImages(side);
    const { logits, pooled } = model.forward(images, { training: false, updates: [] });
    const outputs = { logits, probabilities: tf.softmax(logits), features: pooled };
    return Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, value.dataSync() as Float32Array]));
  });
  tf.dispose(variablesOf(model.state));
  return found;
}

const IMAGENET = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] } as const;

/** Every output within 1e-5 of its largest value. */
export function assertClose(
  outputs: Readonly<Record<string, ArrayLike<number>>>,
  expected: Readonly<Record<string, Float32Array>>,
): void {
  for (const key of OUTPUTS) {
    const [found, wanted] = [outputs[key] as ArrayLike<number>, expected[key] as Float32Array];
    assert.equal(found.length, wanted.length);
    const largest = Math.max(...Array.from(wanted, Math.abs));
    const worst = Math.max(...Array.from(wanted, (value, i) => Math.abs(value - (found[i] as number))));
    assert.ok(worst <= 1e-5 * largest, `${key}: ${worst} of ${largest}`);
  }
}
