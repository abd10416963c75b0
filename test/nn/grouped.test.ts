import assert from "node:assert/strict";
import { before, test } from "node:test";
import { conv2d } from "#pefd/nn/convolution/convolution.js";
import { channelShuffle } from "#pefd/nn/convolution/shuffle.js";
import { groupedConv2d } from "#pefd/nn/layers.js";
import { loadTensorFlow, type Tensor, type Tensor4D, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

type Shape = [number, number, number, number];

const noise = (seed: number, ...shape: Shape): Tensor4D => tf.randomNormal(shape, 0, 1, "float32", seed);

/** [k, k, I, O] of some groups as the filter of a plain convolution: zeros between the groups. */
function asDense(filter: Tensor4D, groups: number): Tensor4D {
  const blocks = tf.split(filter, groups, 3);
  const rows = blocks.map((block, i) => {
    const [k, , inputs, outputs] = block.shape as Shape;
    const zeros = (count: number) => tf.zeros([k, k, inputs, count * outputs]);
    return tf.concat([zeros(i), block, zeros(groups - 1 - i)], 3);
  });
  return tf.concat(rows, 2) as Tensor4D;
}

function assertClose(actual: Tensor, expected: Tensor): void {
  assert.deepEqual(actual.shape, expected.shape);
  const [a, b] = [actual.dataSync(), expected.dataSync()];
  const scale = Math.max(...b.map(Math.abs));
  a.forEach((value, i) => {
    assert.ok(Math.abs(value - (b[i] as number)) <= 1e-5 * scale, `${i}: ${value}, ${b[i]}`);
  });
}

for (const { kernel, stride, padding } of [
  { kernel: 1, stride: 1, padding: 0 },
  { kernel: 3, stride: 2, padding: 1 },
]) {
  test(`groups of a ${kernel}x${kernel} convolution are a plain one with zeros between them; so are its gradients`, () => {
    tf.tidy(() => {
      const [x, filter] = [noise(1, 2, 6, 6, 12), noise(2, kernel, kernel, 4, 9)];
      const geometry = { stride, padding };
      const grouped = (x: Tensor, filter: Tensor) => groupedConv2d(x as Tensor4D, filter, { ...geometry, groups: 3 });
      const plain = (x: Tensor, filter: Tensor) => conv2d(x as Tensor4D, asDense(filter as Tensor4D, 3), geometry);
      const expected = plain(x, filter);
      assertClose(grouped(x, filter), expected);
      const dy = noise(3, ...(expected.shape as Shape));
      const gradients = (f: typeof grouped) => tf.grads(f)([x, filter], dy);
      const [ours, theirs] = [gradients(grouped), gradients(plain)];
      ours.forEach((gradient, i) => {
        assertClose(gradient, theirs[i] as Tensor);
      });
    });
  });
}

test("channels are shuffled as a matrix of groups is transposed, and the gradient goes the way back", () => {
  tf.tidy(() => {
    const x = tf.tensor4d([0, 1, 2, 3, 4, 5], [1, 1, 1, 6]);
    assert.deepEqual([...channelShuffle(x, 3).dataSync()], [0, 2, 4, 1, 3, 5]);
    assert.deepEqual([...channelShuffle(x, 2).dataSync()], [0, 3, 1, 4, 2, 5]);
    const gradient = tf.grad((x) => channelShuffle(x as Tensor4D, 3))(x, x);
    assert.deepEqual([...gradient.dataSync()], [0, 3, 1, 4, 2, 5]);
  });
});
