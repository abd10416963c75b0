import assert from "node:assert/strict";
import { test } from "node:test";
import { negativeDraws } from "#pefd/distill/methods/vectors/crd.js";

const LABELS = Array.from({ length: 60 }, (_, i) => i % 4);

const rowsOf = (images: readonly number[], count: number, seed = 1, epoch = 1, step = 1): number[][] => {
  const image = Int32Array.from(images);
  const { negatives } = negativeDraws(LABELS, count).values({ seed, epoch, step, image });
  return images.map((_, row) => [...(negatives as Int32Array).subarray(row * count, (row + 1) * count)]);
};

test("negatives are of other classes, none twice where there are enough", () => {
  const images = [0, 5, 59];
  rowsOf(images, 45).forEach((row, i) => {
    const own = LABELS[images[i] as number];
    assert.deepEqual(
      row.toSorted((a, b) => a - b),
      LABELS.flatMap((label, at) => (label === own ? [] : [at])),
    );
  });
  const [many = []] = rowsOf([1], 500);
  assert.equal(new Set(many).size, 45);
  assert.ok(many.every((at) => LABELS[at] !== 1));
});

test("an image's negatives follow from seed, epoch and image, wherever it stands in its batch", () => {
  const [alone] = rowsOf([7], 10);
  assert.deepEqual(rowsOf([3, 7], 10, 1, 1, 2)[1], alone);
  for (const [seed, epoch] of [
    [2, 1],
    [1, 2],
  ] as const) {
    assert.notDeepEqual(rowsOf([7], 10, seed, epoch)[0], alone);
  }
  assert.notDeepEqual(rowsOf([11], 10)[0], alone, "another image of the same class");
});

test("images of one class, or too many of them, have no negatives, and are refused", () => {
  const draws = negativeDraws([2, 2, 2], 4);
  assert.throws(() => draws.values({ seed: 1, epoch: 1, step: 1, image: Int32Array.of(0) }), {
    exitCode: 2,
    message: /All training images are of one class/,
  });
  assert.throws(() => negativeDraws({ length: 2 ** 21 + 1 }, 4), {
    exitCode: 2,
    message: /at most 2,097,152 training images/,
  });
});
