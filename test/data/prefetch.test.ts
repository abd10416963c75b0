import assert from "node:assert/strict";
import { test } from "node:test";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { assembleTrainBatch } from "#pefd/data/hostBatch.js";
import { openPrefetcher } from "#pefd/data/prefetch.js";
import { epochPlan, PLAN_COLUMNS } from "#pefd/data/sampler.js";
import { noiseImages } from "../compile/scenes.js";

const { augmentation: SHIFT } = CIFAR100_FORMAT;

const set = noiseImages(60, 4);
const plan = epochPlan(10, 1, set.count, SHIFT);
const rowsOf = (from: number, to: number): Int32Array => plan.subarray(from * PLAN_COLUMNS, to * PLAN_COLUMNS);

test("batches made ahead are those made on the spot, bit for bit, whatever their size", (t) => {
  const prefetcher = openPrefetcher(set);
  t.after(() => prefetcher.close());
  const cuts = [0, 20, 40, 48, 60, 60];
  prefetcher.prepare(rowsOf(0, 20));
  for (let i = 0; i + 2 < cuts.length; i++) {
    const rows = rowsOf(cuts[i] as number, cuts[i + 1] as number);
    const batch = prefetcher.take(rows);
    // The next one is made while this one is looked at, as in training.
    prefetcher.prepare(rowsOf(cuts[i + 1] as number, cuts[i + 2] as number));
    const expected = assembleTrainBatch(set, rows);
    assert.deepEqual(Float32Array.from(batch.images), expected.images);
    assert.deepEqual(Int32Array.from(batch.labels), expected.labels);
  }
});

test("a batch that nobody asked for, or another than the one asked for, is made at once", (t) => {
  const prefetcher = openPrefetcher(set);
  t.after(() => prefetcher.close());
  const rows = rowsOf(10, 30);
  const expected = assembleTrainBatch(set, rows);
  assert.deepEqual(prefetcher.take(rows), expected);
  prefetcher.prepare(rowsOf(0, 20));
  assert.deepEqual(prefetcher.take(rows), expected);
  prefetcher.prepare(rowsOf(10, 40)); // more than is needed then
  const { images, labels } = prefetcher.take(rows);
  assert.deepEqual(Float32Array.from(images), expected.images);
  assert.deepEqual(Int32Array.from(labels), expected.labels);
});
