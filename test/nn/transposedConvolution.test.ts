import assert from "node:assert/strict";
import { before, test } from "node:test";
import { createBuilder } from "#pefd/nn/builder.js";
import { DENSE, gradientsFor, settingsOf } from "#pefd/nn/convolution/convolution.js";
import { transposedConv2d, transposedConvolution } from "#pefd/nn/convolution/transposed.js";
import { convolution } from "#pefd/nn/layers.js";
import { loadTensorFlow, type Tensor, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { formulaFill } from "../golden/compare/formula.js";

before(() => {
  loadTensorFlow();
});

const [IMAGES, SIZE, INPUTS, OUTPUTS] = [2, 3, 2, 3];

const noise = (seed: number, ...shape: number[]): Tensor => tf.randomNormal(shape, 0, 1, "float32", seed);

/** torch.nn.functional.conv_transpose2d by its definition: every input adds its filter to what is made. */
function reference(x: Tensor4D, filter: Tensor, kernel: number, stride: number, padding: number) {
  const side = (SIZE - 1) * stride - 2 * padding + kernel;
  const [values, weights] = [x.arraySync(), filter.arraySync() as number[][][][]];
  const made = tf.buffer([IMAGES, side, side, OUTPUTS]);
  const add = (value: number, ...at: number[]) => made.set(made.get(...at) + value, ...at);
  for (const [n, image] of values.entries())
    for (const [i, row] of image.entries())
      for (const [j, inputs] of row.entries())
        for (let u = 0; u < kernel; u++)
          for (let v = 0; v < kernel; v++) {
            const [y, z] = [i * stride + u - padding, j * stride + v - padding];
            if (y < 0 || z < 0 || y >= side || z >= side) continue;
            for (let o = 0; o < OUTPUTS; o++) {
              const each = inputs.map((value, c) => value * (weights[u]?.[v]?.[o]?.[c] as number));
              add(
                each.reduce((sum, part) => sum + part, 0),
                n,
                y,
                z,
                o,
              );
            }
          }
  return made.toTensor() as Tensor4D;
}

const assertClose = (actual: Tensor, expected: Tensor) => {
  assert.deepEqual(actual.shape, expected.shape);
  const [worst = 1] = tf.max(tf.abs(tf.sub(actual, expected))).dataSync();
  assert.ok(worst < 1e-5, `off by ${worst}`);
};

for (const [kernel, stride, padding] of [
  [4, 2, 1],
  [3, 1, 0],
  [3, 2, 1],
  [2, 2, 0],
] as const) {
  test(`PyTorch's transposed convolution: kernel ${kernel}, stride ${stride}, padding ${padding}`, () => {
    tf.tidy(() => {
      const x = noise(1, IMAGES, SIZE, SIZE, INPUTS) as Tensor4D;
      const filter = noise(2, kernel, kernel, OUTPUTS, INPUTS);
      const made = transposedConv2d(x, filter, { stride, padding });
      assertClose(made, reference(x, filter, kernel, stride, padding));
      const weights = noise(3, ...made.shape);
      const gradients = tf.grads((a, b) =>
        tf.sum(tf.mul(transposedConv2d(a as Tensor4D, b, { stride, padding }), weights)),
      )([x, filter]);
      const sides: [number, number] = [padding, padding];
      const padded = tf.pad(weights as Tensor4D, [[0, 0], sides, sides, [0, 0]]);
      const byReference = tf.grads((a, b) => {
        const turned = tf.conv2d(padded, b as Tensor4D, stride, "valid");
        return tf.sum(tf.mul(turned, a));
      })([x, filter]);
      for (const [i, gradient] of gradients.entries()) assertClose(gradient, byReference[i] as Tensor);
    });
  });
}

test("the layer has PyTorch's tensors: its weight begins with the inputs, unlike a convolution's", () => {
  const builder = createBuilder("layers", formulaFill());
  const sizes = { inputs: INPUTS, outputs: OUTPUTS, kernel: 4, stride: 2, padding: 1 };
  const layer = transposedConvolution(builder, "up", sizes);
  convolution(builder, "down", { ...sizes, bias: true });
  const shapes = builder.state.map(({ name, shape }) => [name, shape]);
  assert.deepEqual(shapes, [
    ["up.weight", [INPUTS, OUTPUTS, 4, 4]],
    ["up.bias", [OUTPUTS]],
    ["down.weight", [OUTPUTS, INPUTS, 4, 4]],
    ["down.bias", [OUTPUTS]],
  ]);
  tf.tidy(() => {
    const bias = builder.state[1]?.variable;
    const made = layer(tf.zeros([1, SIZE, SIZE, INPUTS]));
    assert.deepEqual(made.shape, [1, 2 * SIZE, 2 * SIZE, OUTPUTS]);
    assert.deepEqual([...made.dataSync().slice(0, OUTPUTS)], [...(bias?.dataSync() ?? [])]);
  });
  for (const { variable } of builder.state) variable?.dispose();
});

test("sizes that no convolution has are refused before TensorFlow's gradients end the process", () => {
  tf.tidy(() => {
    const pixel = noise(1, IMAGES, 1, 1, INPUTS) as Tensor4D;
    const pointwise = noise(2, 1, 1, OUTPUTS, INPUTS);
    assert.throws(() => transposedConv2d(pixel, pointwise, { stride: 1, padding: 1 }), {
      name: "RangeError",
      message: /Images \[2,-1,-1,3\] and results \[2,1,1,2\] are not/,
    });
    const filter = noise(3, 3, 3, INPUTS, OUTPUTS);
    const settings = settingsOf({ stride: 1, padding: 1 }, filter);
    const { input, filter: ofFilter } = gradientsFor(DENSE)(settings);
    const x = noise(4, IMAGES, SIZE, SIZE, INPUTS);
    const flat = noise(5, IMAGES * SIZE, SIZE, OUTPUTS);
    assert.throws(() => ofFilter(x, flat, settings, filter.shape), /results \[6,3,3\] are not/);
    assert.throws(() => input(filter, flat, settings, x.shape), /results \[6,3,3\] are not/);
    const dy = noise(6, IMAGES, SIZE, SIZE, OUTPUTS);
    assert.throws(() => input(filter, dy, settings, [IMAGES, SIZE, SIZE]), /Images \[2,3,3\]/);
    assert.throws(() => input(filter, dy, settings, [IMAGES, SIZE + 1, SIZE, INPUTS]), /are not/);
    assert.deepEqual(input(filter, dy, settings, x.shape).shape, x.shape);
  });
});
