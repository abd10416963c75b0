import assert from "node:assert/strict";
import { test } from "node:test";
import { balancedSubset } from "#pefd/data/sampler.js";

const LABELS = Uint8Array.from({ length: 400 }, (_, i) => (i * 7) % 20);

test("a subset is pinned: another choice would change every result on a limited set", () => {
  assert.deepEqual([...balancedSubset(LABELS, 6, "train")], [57, 179, 226, 238, 256, 329]);
});

test("a smaller limit gives a subset of a larger one", () => {
  const large = new Set(balancedSubset(LABELS, 130, "train"));
  const small = balancedSubset(LABELS, 47, "train");
  assert.equal(small.length, 47);
  assert.ok(small.every((index) => large.has(index)));
});

test("training and test subsets are drawn independently", () => {
  assert.notDeepEqual(balancedSubset(LABELS, 60, "train"), balancedSubset(LABELS, 60, "test"));
});

test("classes with too few images give all they have, the others make up for them", () => {
  const labels = Uint8Array.from([3, 3, 3, 3, 3, 8, 8, 8, 8, 8, 5]);
  const taken = balancedSubset(labels, 9, "train");
  const counts = [3, 8, 5].map((label) => [...taken].filter((i) => labels[i] === label).length);
  assert.deepEqual(counts, [4, 4, 1]);
});

test("the whole set is taken in its order when the limit is its size or more", () => {
  const all = [...LABELS.keys()];
  assert.deepEqual([...balancedSubset(LABELS, 400, "train")], all);
  assert.deepEqual([...balancedSubset(LABELS, 999, "train")], all);
});
