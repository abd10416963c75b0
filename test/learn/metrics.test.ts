import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createMetrics, labelRanks, metricsUpdate, readMetrics } from "#pefd/learn/metrics.js";
import { loadTensorFlow, type Tensor1D, type Tensor2D, tf } from "#pefd/runtime/tf.js";

before(() => loadTensorFlow());

const CLASSES = 8;

/** Logits of one image per place: its label has as many classes before it as the place says. */
function logitsOf(places: readonly number[]): Tensor2D {
  const rows = places.map((place) =>
    // The label is class 0; classes 1 to `place` beat it, the others do not.
    Array.from({ length: CLASSES }, (_, c) => (c === 0 ? 0 : c <= place ? c : -c)),
  );
  return tf.tensor2d(rows);
}

const oneHot = (images: number): Tensor2D => tf.oneHot(tf.zeros([images], "int32"), CLASSES) as Tensor2D;

/** Metrics over images whose labels are at these places. */
function metricsOf(places: readonly number[], counted?: readonly number[]) {
  const metrics = createMetrics();
  const weights = counted && (tf.tensor1d([...counted]) as Tensor1D);
  const logits = logitsOf(places);
  const [total, value] = metricsUpdate(metrics, tf.scalar(2), logits, oneHot(places.length), weights);
  total.assign(value);
  return readMetrics(metrics);
}

test("top-1 counts labels that no class beats, top-5 those that at most four beat", () => {
  for (const [place, top1, top5] of [
    [0, 100, 100],
    [1, 0, 100],
    [4, 0, 100],
    [5, 0, 0],
    [7, 0, 0],
  ] as const) {
    const found = metricsOf([place]);
    assert.deepEqual([found.top1, found.top5], [top1, top5], `${place} classes are before it`);
  }
  const { top1, top5, loss, images } = metricsOf([0, 3, 4, 5]);
  assert.deepEqual([top1, top5, loss, images], [25, 75, 2, 4]);
});

test("padding does not count", () => {
  const { top1, top5, images } = metricsOf([0, 4, 0, 0], [1, 1, 0, 0]);
  assert.deepEqual([top1, top5, images], [50, 100, 2]);
});

test("sums go on over batches", () => {
  const metrics = createMetrics();
  for (const places of [
    [0, 0],
    [6, 1, 6],
  ]) {
    const images = places.length;
    const update = metricsUpdate(metrics, tf.scalar(images), logitsOf(places), oneHot(images));
    update[0].assign(update[1]);
  }
  const { loss, top1, top5, images } = readMetrics(metrics);
  assert.deepEqual([images, top1, top5], [5, 40, 60]);
  assert.ok(Math.abs(loss - 13 / 5) < 1e-6, "a mean over images, not over batches");
});

test("NaN anywhere ranks the label last; classes that equal it are not before it", () => {
  const logits = tf.tensor2d([
    [Number.NaN, 1, 1, 1, 1, 1, 1, 1],
    [1, 1, 1, 0, 0, 0, 0, 0],
    [1, Number.NaN, 0, 0, 0, 0, 0, 0],
  ]);
  assert.deepEqual([...labelRanks(logits, oneHot(3)).dataSync()], [8, 0, 8]);
});
