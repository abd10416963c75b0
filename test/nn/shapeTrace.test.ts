import assert from "node:assert/strict";
import { test } from "node:test";
import { convolution, linear } from "#pefd/nn/layers.js";
import { plainMap } from "#pefd/nn/model.js";
import { globalAveragePool, maxPool } from "#pefd/nn/pool.js";
import { traceShapes } from "#pefd/nn/shapeTrace.js";
import { type Tensor4D, tf } from "#pefd/runtime/tf.js";

test("shapes and multiplications of one image, without the native library", () => {
  const { features, maps, multiplyAdds, state } = traceShapes((builder) => {
    const size = { inputs: 3, outputs: 8, kernel: 3, stride: 2, padding: 1 };
    const conv = convolution(builder, "conv", size);
    const fc = linear(builder, "fc", 8, 5);
    return {
      forward(images) {
        const stem = conv(images);
        const out = maxPool(stem, { kernel: 2, stride: 2, padding: 0 });
        const pooled = globalAveragePool(out);
        return { stem: plainMap(stem), maps: [plainMap(out)], pooled, logits: fc(pooled) };
      },
    };
  }, 16);
  assert.deepEqual(features, [[8, 8, 8], [4, 4, 8], [8]]);
  assert.deepEqual(maps, [[4, 4, 8]]);
  assert.equal(multiplyAdds, 8 * 8 * 8 * (3 * 3 * 3) + 8 * 5);
  assert.deepEqual(
    state.map(({ name, shape }) => [name, shape]),
    [
      ["conv.weight", [8, 3, 3, 3]],
      ["fc.weight", [5, 8]],
      ["fc.bias", [5]],
    ],
  );
});

test("a forward pass may multiply, add and squash, and is told what it cannot use", () => {
  const trace = (of: (x: Tensor4D) => Tensor4D) =>
    traceShapes(
      () => ({
        forward(images) {
          const out = of(images);
          const pooled = globalAveragePool(out);
          return { stem: undefined, maps: [plainMap(out)], pooled, logits: pooled };
        },
      }),
      4,
    ).maps;
  const squeezed = (x: Tensor4D) => tf.mul(x, tf.sigmoid(tf.sub(tf.square(x), 1))) as Tensor4D;
  assert.deepEqual(trace(squeezed), [[4, 4, 3]]);
  assert.throws(() => trace((x) => tf.reverse4d(x, 1) as Tensor4D), /cannot use tf\.reverse4d/);
});
