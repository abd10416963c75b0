import assert from "node:assert/strict";
import { test } from "node:test";
import { assembleTestBatch, assembleTrainBatch } from "#pefd/data/hostBatch.js";
import { decodeRecords, pixelAt, recordsWithLabels } from "./cifar/recordFiles.js";

const LABELS = [10, 20, 30, 40, 50];
const SET = decodeRecords(recordsWithLabels(LABELS));

/** torchvision's transforms one after the other, on a padded image: pad, crop, flip, scale, normalise. */
function reference(index: number, y: number, x: number, flip: number): number[] {
  const padded = Array.from({ length: 40 }, (_, row) =>
    Array.from({ length: 40 }, (_, column) => {
      const inside = row >= 4 && row < 36 && column >= 4 && column < 36;
      return [0, 1, 2].map((ch) => (inside ? pixelAt(index, row - 4, column - 4, ch) : 0));
    }),
  );
  const cropped = padded.slice(y, y + 32).map((row) => row.slice(x, x + 32));
  const flipped = flip ? cropped.map((row) => row.toReversed()) : cropped;
  return flipped.flat(2).map((value, i) => normalized(value, i % 3));
}

function normalized(value: number, channel: number): number {
  const [mean, deviation] = [
    [0.5071, 0.2675],
    [0.4867, 0.2565],
    [0.4408, 0.2761],
  ][channel] as [number, number];
  const [scaled, m, s] = new Float32Array([value / 255, mean, deviation]) as unknown as number[];
  const centred = new Float32Array([(scaled ?? 0) - (m ?? 0)])[0] ?? 0;
  return new Float32Array([centred / (s ?? 1)])[0] ?? 0;
}

test("every crop and flip gives what padding, cropping, flipping and normalising give", () => {
  for (let y = 0; y <= 8; y++) {
    const rows: number[][] = [];
    for (let x = 0; x <= 8; x++) for (const flip of [0, 1]) rows.push([(y + x) % 5, y, x, flip]);
    const batch = assembleTrainBatch(SET, Int32Array.from(rows.flat()));
    assert.equal(batch.images.length, 18 * 3072);
    rows.forEach(([index = 0, , x = 0, flip = 0], i) => {
      const image = [...batch.images.subarray(i * 3072, (i + 1) * 3072)];
      assert.deepEqual(image, reference(index, y, x, flip), `crop ${y},${x} flip ${flip}`);
      assert.equal(batch.labels[i], LABELS[index]);
    });
  }
});

test("a batch may be written into the arrays of an earlier one of the same size", () => {
  const first = assembleTrainBatch(SET, Int32Array.of(0, 0, 0, 1, 1, 8, 8, 0));
  const rows = Int32Array.of(2, 3, 7, 1, 4, 8, 0, 0);
  const fresh = assembleTrainBatch(SET, rows);
  assert.equal(assembleTrainBatch(SET, rows, first), first);
  assert.deepEqual(first, fresh);
  assert.throws(() => assembleTrainBatch(SET, Int32Array.of(2, 3, 7, 1), first), RangeError);
});

test("test images are normalised, not cropped or flipped, and in order", () => {
  const batch = assembleTestBatch(SET, 1, 4);
  assert.deepEqual([...batch.labels], [20, 30, 40]);
  const expected = [1, 2, 3].flatMap((index) => reference(index, 4, 4, 0));
  assert.deepEqual([...batch.images], expected);
});
