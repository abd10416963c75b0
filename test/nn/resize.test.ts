import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { MapSize } from "#pefd/nn/pool.js";
import { isWholeMultiple, nearestResize } from "#pefd/nn/pool.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const [IMAGES, CHANNELS] = [2, 3];

/** The definition, element by element: values of the resized map and the gradient of their weighted sum. */
function reference(x: Float32Array, [rows, columns]: MapSize, [height, width]: MapSize) {
  const values: number[] = [];
  const gradient = new Array<number>(x.length).fill(0);
  for (let n = 0; n < IMAGES; n++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        for (let c = 0; c < CHANNELS; c++) {
          const row = n * rows + Math.floor((i * rows) / height);
          const from = (row * columns + Math.floor((j * columns) / width)) * CHANNELS + c;
          gradient[from] = (gradient[from] as number) + values.length;
          values.push(x[from] as number);
        }
      }
    }
  }
  return { values, gradient };
}

const CASES: readonly (readonly [from: MapSize, to: MapSize])[] = [
  [
    [2, 3],
    [2, 3],
  ],
  [
    [1, 1],
    [4, 4],
  ],
  [
    [2, 3],
    [4, 9],
  ],
  [
    [4, 6],
    [2, 3],
  ],
];

for (const [from, to] of CASES) {
  test(`nearest: ${from.join(" x ")} to ${to.join(" x ")}, with its gradient`, () => {
    tf.tidy(() => {
      const shape: [number, number, number, number] = [IMAGES, from[0], from[1], CHANNELS];
      const x = tf.randomNormal(shape, 0, 1, "float32", 1) as Tensor4D;
      const { values, gradient } = reference(x.dataSync() as Float32Array, from, to);
      const resized = nearestResize(x, to);
      assert.deepEqual(resized.shape, [IMAGES, ...to, CHANNELS]);
      assert.deepEqual([...resized.dataSync()], values);
      const places = tf.reshape(tf.range(0, values.length), resized.shape);
      const weighted = (map: Tensor4D) => tf.sum(tf.mul(nearestResize(map, to), places));
      const found = tf
        .grad((map) => weighted(map as Tensor4D))(x)
        .dataSync();
      for (const [i, value] of found.entries()) {
        assert.ok(Math.abs(value - (gradient[i] as number)) < 1e-3, `element ${i}`);
      }
    });
  });
}

test("sizes that are no whole multiples are told apart, and refused", () => {
  assert.ok(isWholeMultiple([4, 4], [2, 4]) && isWholeMultiple([2, 2], [8, 4]));
  assert.ok(!isWholeMultiple([4, 2], [2, 4]) && !isWholeMultiple([7, 7], [4, 4]));
  tf.tidy(() => {
    assert.throws(() => nearestResize(tf.zeros([1, 7, 7, 1]), [4, 4]), RangeError);
  });
});
