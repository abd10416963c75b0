import assert from "node:assert/strict";
import { test } from "node:test";
import { assembleClassBatch } from "#pefd/data/classView.js";
import type { ImagesInMemory } from "#pefd/data/dataset.js";
import { epochPlan, PLAN_COLUMNS } from "#pefd/data/sampler.js";

const COUNT = 40;
const SIDE = 4;
const SIZE = SIDE * SIDE * 3;
const LABELS = Uint8Array.from({ length: COUNT }, (_, i) => i % 3);

/** Every pixel of an image has the image's number as its byte. */
const SET: ImagesInMemory = {
  kind: "memory",
  height: SIDE,
  width: SIDE,
  channels: 3,
  normalization: { mean: [0, 0, 0], deviation: [1, 1, 1] },
  augmentation: { kind: "shift", padding: 1 },
  images: Uint8Array.from({ length: COUNT * SIZE }, (_, i) => 1 + Math.floor(i / SIZE)),
  labels: LABELS,
  count: COUNT,
};

const rows = epochPlan(1, 1, COUNT, SET.augmentation);

/** The images that a batch shows: the only number beside the padding. */
const shownIn = (batch: Float32Array): number[] =>
  Array.from({ length: batch.length / SIZE }, (_, i) => {
    const bytes = batch.subarray(i * SIZE, (i + 1) * SIZE).map((value) => Math.round(value * 255));
    return Math.max(...bytes) - 1;
  });

test("a class view shows another image of the class, mostly, and more than one of them", () => {
  const shown = shownIn(assembleClassBatch(SET, rows, { seed: 1, epoch: 1 }));
  const own = Array.from({ length: COUNT }, (_, i) => rows[i * PLAN_COLUMNS] as number);
  assert.deepEqual(
    shown.map((image) => LABELS[image]),
    own.map((image) => LABELS[image]),
  );
  assert.ok(shown.filter((image, i) => image !== own[i]).length > COUNT / 2);
  assert.ok(new Set(shown).size > COUNT / 3);
});

test("it follows from seed, epoch and image, whatever it is asked for with", () => {
  const whole = assembleClassBatch(SET, rows, { seed: 1, epoch: 1 });
  const alone = assembleClassBatch(SET, rows.slice(2 * PLAN_COLUMNS, 3 * PLAN_COLUMNS), { seed: 1, epoch: 1 });
  assert.deepEqual(alone, whole.slice(2 * SIZE, 3 * SIZE));
  for (const other of [
    { seed: 2, epoch: 1 },
    { seed: 1, epoch: 2 },
  ]) {
    assert.notDeepEqual(assembleClassBatch(SET, rows, other), whole);
  }
});

test("an image that is alone in its class is its own other image", () => {
  const alone = { ...SET, labels: Uint8Array.from(LABELS.keys()) };
  const shown = shownIn(assembleClassBatch(alone, rows, { seed: 1, epoch: 1 }));
  assert.deepEqual(
    shown,
    Array.from({ length: COUNT }, (_, i) => rows[i * PLAN_COLUMNS]),
  );
});
