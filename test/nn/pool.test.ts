import assert from "node:assert/strict";
import { before, test } from "node:test";
import { averagePool, globalAveragePool, maxPool } from "#pefd/nn/pool.js";
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

test("global pooling is the mean over a map of any size", () => {
  tf.tidy(() => {
    const x = tf.tensor4d([1, 10, 3, 30, 5, 50, 7, 70, 9, 90, 11, 110], [1, 3, 2, 2]);
    assert.deepEqual([...globalAveragePool(x).dataSync()], [6, 60]);
  });
});
