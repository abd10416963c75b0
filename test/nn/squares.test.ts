import assert from "node:assert/strict";
import { before, test } from "node:test";
import { absolute, meanSquaredError, sumOfSquares } from "#pefd/nn/gradients.js";
import { loadTensorFlow, type Tensor, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const near = (actual: Tensor, expected: Tensor) => {
  assert.deepEqual(actual.shape, expected.shape);
  const [found, wanted] = [actual.dataSync(), expected.dataSync()];
  for (const [i, value] of found.entries()) {
    assert.ok(Math.abs(value - (wanted[i] as number)) < 1e-5, `${value}, ${wanted[i]} at ${i}`);
  }
};

for (const axes of [[1], [-1], [0, 2], [0, 1, 2]]) {
  test(`squares summed over axes ${axes}, and their gradient`, () => {
    tf.tidy(() => {
      const x = tf.tensor3d([1, -2, 3, 4, 5, -6, 7, 8, 0, 1, 2, 3], [2, 3, 2]);
      const plain = (t: Tensor) => tf.sum(tf.square(t), axes, true);
      const own = (t: Tensor) => sumOfSquares(t, ...axes);
      near(own(x), plain(x));
      const weighted = (sum: (t: Tensor) => Tensor) => (t: Tensor) => {
        const sums = sum(t);
        return tf.sum(tf.mul(sums, tf.reshape(tf.range(1, sums.size + 1), sums.shape)));
      };
      near(tf.grad(weighted(own))(x), tf.grad(weighted(plain))(x));
    });
  });
}

test("the mean squared error of two tensors, with the gradients of both", () => {
  tf.tidy(() => {
    const [x, y] = [tf.tensor1d([1, 2, 3, 4]), tf.tensor1d([1, 0, 3, 8])];
    near(meanSquaredError(x, y), tf.scalar((4 + 16) / 4));
    const [dx, dy] = tf.grads((a, b) => meanSquaredError(a, b))([x, y]);
    near(dx as Tensor, tf.tensor1d([0, 1, 0, -2]));
    near(dy as Tensor, tf.tensor1d([0, -1, 0, 2]));
  });
});

test("absolute values have no gradient at zero, as in PyTorch", () => {
  tf.tidy(() => {
    const x = tf.tensor1d([-2, 0, 3]);
    near(absolute(x), tf.tensor1d([2, 0, 3]));
    near(tf.grad((t) => tf.sum(absolute(t)))(x), tf.tensor1d([-1, 0, 1]));
  });
});
