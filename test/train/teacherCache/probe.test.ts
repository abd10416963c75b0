import assert from "node:assert/strict";
import { test } from "node:test";
import { probeTeacher } from "#pefd/train/teacherCache/open.js";
import type { OutputSizes } from "#pefd/train/teacherCache/store.js";

const BATCH = 4;
/** Values of an image; this teacher does not look at them. */
const VALUES = 12;
const SIZES: OutputSizes = new Map([["pooled", 2]]);

/** A teacher whose outputs for the last image of a batch are a little off. */
const teacher = (features: number, logits = 0, weight = 1) => ({
  run: () =>
    new Map([
      ["pooled", Float32Array.of(weight, 2, weight, 2, weight, 2, weight, 2 + features)] as const,
      ["logits", Float32Array.of(3, 3, 3, 3 + logits)] as const,
    ]),
  dispose() {},
});

test("a place whose bits differ is found, in the outputs that are kept", () => {
  const ulp = 2 ** -22;
  const isPlaceFree = (features: number, logits: number) =>
    probeTeacher(teacher(features, logits), SIZES, BATCH, VALUES).isPlaceFree;
  assert.equal(isPlaceFree(0, 0), true);
  assert.equal(isPlaceFree(ulp, 0), false);
  assert.equal(isPlaceFree(0, ulp), true);
});

test("the fingerprint tells teachers apart", () => {
  const print = (weight: number) => probeTeacher(teacher(0, 0, weight), SIZES, BATCH, VALUES).fingerprint;
  assert.equal(print(1), print(1));
  assert.notEqual(print(1), print(1 + 2 ** -23));
});
