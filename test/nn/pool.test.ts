import assert from "node:assert/strict";
import { before, test } from "node:test";
import { adaptiveAveragePool, averagePool, globalAveragePool, maxPool } from "#pefd/nn/pool.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

/** A 4x4 map of one channel. */
const map = (...values: number[]): Tensor4D => tf.tensor4d(values, [1, 4, 4, 1]);
const grow = (sign: number) => Array.from({ length: 16 }, (_, i) => sign * (i + 1));

test("max pooling pads all sides with less than any value", () => {
  tf.tidy(() => {
    const pool = { kernel: 3, stride: 2, padding: 1 };
    // Windows start at -1 and 1; with zeros as padding the second would give 0 everywhere.
    assert.deepEqual([...maxPool(map(...grow(1)), pool).dataSync()], [6, 8, 14, 16]);
    assert.deepEqual([...maxPool(map(...grow(-1)), pool).dataSync()], [-1, -2, -5, -6]);
  });
});

test("max pooling's gradient goes to the largest element, the padding's share to nothing", () => {
  tf.tidy(() => {
    const pool = { kernel: 3, stride: 2, padding: 1 };
    const gradient = tf.grad((x) => tf.sum(maxPool(x as Tensor4D, pool)))(map(...grow(-1)));
    const expected = new Array(16).fill(0);
    for (const i of [0, 1, 4, 5]) expected[i] = 1;
    assert.deepEqual([...gradient.dataSync()], expected);
  });
});

test("average pooling and its gradient", () => {
  tf.tidy(() => {
    const pool = { kernel: 2, stride: 2 };
    assert.deepEqual([...averagePool(map(...grow(1)), pool).dataSync()], [3.5, 5.5, 11.5, 13.5]);
    const gradient = tf.grad((x) => tf.sum(averagePool(x as Tensor4D, pool)))(map(...grow(1)));
    assert.deepEqual([...gradient.dataSync()], new Array(16).fill(0.25));
  });
});

test("average pooling counts its padding, as PyTorch does", () => {
  tf.tidy(() => {
    const pool = { kernel: 3, stride: 2, padding: 1 };
    const pooled = averagePool(map(...new Array(16).fill(9)), pool);
    assert.deepEqual([...pooled.dataSync()], [4, 6, 6, 9]);
  });
});

test("global pooling is the mean over a map of any size", () => {
  tf.tidy(() => {
    const x = tf.tensor4d([1, 10, 3, 30, 5, 50, 7, 70, 9, 90, 11, 110], [1, 3, 2, 2]);
    assert.deepEqual([...globalAveragePool(x).dataSync()], [6, 60]);
  });
});

/** The definition, element by element. */
function windowMean(x: Float32Array, [rows, columns]: number[], to: number[], at: number[]) {
  const window = (from: number, size: number, i: number) => {
    return [Math.floor((i * from) / size), Math.ceil(((i + 1) * from) / size)] as const;
  };
  const [top, bottom] = window(rows as number, to[0] as number, at[0] as number);
  const [left, right] = window(columns as number, to[1] as number, at[1] as number);
  let sum = 0;
  for (let i = top; i < bottom; i++) {
    for (let j = left; j < right; j++) sum += x[i * (columns as number) + j] as number;
  }
  return sum / ((bottom - top) * (right - left));
}

for (const [from, to] of [
  [
    [4, 4],
    [2, 2],
  ],
  [
    [6, 4],
    [2, 2],
  ],
  [
    [7, 5],
    [3, 4],
  ],
  [
    [2, 3],
    [4, 3],
  ],
] as const) {
  test(`adaptive average pooling from ${from} to ${to}: PyTorch's windows, each element's share as gradient`, () => {
    tf.tidy(() => {
      const [rows, columns] = from;
      const values = Float32Array.from({ length: rows * columns }, (_, i) => (i * 7) % 11);
      const x = tf.tensor4d(values, [1, rows, columns, 1]);
      const pool = (map: Tensor4D) => adaptiveAveragePool(map, to);
      const found = pool(x);
      assert.deepEqual(found.shape, [1, ...to, 1]);
      const [, width] = to;
      for (const [i, value] of found.dataSync().entries()) {
        const expected = windowMean(values, [...from], [...to], [Math.floor(i / width), i % width]);
        assert.ok(Math.abs(value - expected) < 1e-5, `${value} instead of ${expected} at ${i}`);
      }
      const gradient = tf.grad((map) => tf.sum(pool(map as Tensor4D)))(x);
      const [share = 0] = tf.sum(gradient).dataSync();
      assert.ok(Math.abs(share - to[0] * to[1]) < 1e-4, "the mean's weights sum to one");
    });
  });
}
