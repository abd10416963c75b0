import assert from "node:assert/strict";
import { test } from "node:test";
import type { ImagesInMemory } from "#pefd/data/dataset.js";
import { assembleTrainBatch, valuesOf } from "#pefd/data/hostBatch.js";
import { epochPlan, PLAN_COLUMNS } from "#pefd/data/sampler.js";
import { assembleStrongBatch } from "#pefd/data/strong/strongView.js";

const COUNT = 6;
const SHAPE = { height: 8, width: 8, channels: 3 } as const;
const SET: ImagesInMemory = {
  kind: "memory",
  ...SHAPE,
  normalization: { mean: [0.5, 0.4, 0.3], deviation: [0.2, 0.3, 0.4] },
  augmentation: { kind: "shift", padding: 2 },
  images: Uint8Array.from({ length: COUNT * valuesOf(SHAPE) }, (_, i) => (i * i * 7 + i) % 251),
  labels: new Uint8Array(COUNT),
  count: COUNT,
};

const SIZE = valuesOf(SET);
const rowsOf = (epoch: number) => epochPlan(10, epoch, COUNT, SET.augmentation);
const imageAt = (batch: Float32Array, place: number) => batch.subarray(place * SIZE, (place + 1) * SIZE);

test("a strong view follows from seed, epoch and image, whatever it is asked for with", () => {
  const rows = rowsOf(1);
  const whole = assembleStrongBatch(SET, rows, { seed: 10, epoch: 1 });
  const alone = assembleStrongBatch(SET, rows.subarray(2 * PLAN_COLUMNS, 3 * PLAN_COLUMNS), {
    seed: 10,
    epoch: 1,
  });
  assert.deepEqual(alone, imageAt(whole, 2));
  const others = [
    { seed: 11, epoch: 1 },
    { seed: 10, epoch: 2 },
  ];
  for (const other of others) assert.notDeepEqual(assembleStrongBatch(SET, rows, other), whole);
});

test("it is not the weak view, and its values are those of bytes", () => {
  const rows = rowsOf(1);
  const strong = assembleStrongBatch(SET, rows, { seed: 10, epoch: 1 });
  const weak = assembleTrainBatch(SET, rows).images;
  for (let i = 0; i < COUNT; i++) assert.notDeepEqual(imageAt(strong, i), imageAt(weak, i));
  const { mean, deviation } = SET.normalization;
  for (const [i, value] of strong.entries()) {
    const byte = 255 * (value * (deviation[i % 3] as number) + (mean[i % 3] as number));
    assert.ok(Math.abs(byte - Math.round(byte)) < 1e-3, `${byte} is no byte`);
    assert.ok(byte > -0.5 && byte < 255.5);
  }
});
