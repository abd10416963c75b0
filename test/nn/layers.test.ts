import assert from "node:assert/strict";
import { before, test } from "node:test";
import { relu, relu6 } from "#pefd/nn/activation.js";
import { createBuilder } from "#pefd/nn/builder.js";
import { conv2d, depthwiseConv2d } from "#pefd/nn/convolution/convolution.js";
import { normalizedConvolution } from "#pefd/nn/fold.js";
import { batchNorm, convolution } from "#pefd/nn/layers.js";
import type { ForwardContext } from "#pefd/nn/model.js";
import { loadTensorFlow, type Tensor, type Tensor4D, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const random = (shape: number[], seed: number): Tensor => tf.randomNormal(shape, 0, 1, "float32", seed);

/** PyTorch's convolution, written out: zero padding on all sides, [1, H, W, I] and [k, k, I, O]. */
function slowConvolution(
  x: Tensor,
  filter: Tensor,
  { stride, padding }: { stride: number; padding: number },
): number[] {
  const [, height, width, inputs] = x.shape as [number, number, number, number];
  const [kernel, , , outputs] = filter.shape as [number, number, number, number];
  const [image, weights] = [x.dataSync(), filter.dataSync()];
  const size = (side: number) => Math.floor((side + 2 * padding - kernel) / stride) + 1;
  const result: number[] = [];
  for (let row = 0; row < size(height); row++) {
    for (let column = 0; column < size(width); column++) {
      for (let o = 0; o < outputs; o++) {
        let sum = 0;
        for (let dy = 0; dy < kernel; dy++) {
          for (let dx = 0; dx < kernel; dx++) {
            const y = row * stride + dy - padding;
            const z = column * stride + dx - padding;
            if (y < 0 || z < 0 || y >= height || z >= width) continue;
            for (let i = 0; i < inputs; i++) {
              const at = (y * width + z) * inputs + i;
              const weight = ((dy * kernel + dx) * inputs + i) * outputs + o;
              sum += (image[at] as number) * (weights[weight] as number);
            }
          }
        }
        result.push(sum);
      }
    }
  }
  return result;
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    assert.ok(difference < 1e-4, `${what}[${i}]: ${actual[i]} and ${expected[i]}`);
  }
}

const GEOMETRIES = [
  { kernel: 3, stride: 1, padding: 1 },
  { kernel: 3, stride: 2, padding: 1 },
  { kernel: 1, stride: 1, padding: 0 },
  { kernel: 1, stride: 2, padding: 0 },
  { kernel: 7, stride: 2, padding: 3 },
];

for (const { kernel, ...geometry } of GEOMETRIES) {
  const what = `${kernel}x${kernel}, stride ${geometry.stride}, padding ${geometry.padding}`;
  test(`convolution ${what} is PyTorch's`, () => {
    tf.tidy(() => {
      for (const side of [8, 9]) {
        const x = random([1, side, side, 2], 1) as Tensor4D;
        const filter = random([kernel, kernel, 2, 3], 2);
        const expected = slowConvolution(x, filter, geometry);
        assertClose(conv2d(x, filter, geometry).dataSync(), expected, `side ${side}`);
      }
    });
  });
}

test("a depthwise convolution is one convolution per channel", () => {
  tf.tidy(() => {
    for (const stride of [1, 2]) {
      const geometry = { stride, padding: 1 };
      const x = random([1, 8, 8, 2], 3) as Tensor4D;
      const filter = random([3, 3, 2, 1], 4) as Tensor4D;
      const parts = [0, 1].map((channel) => {
        const image = tf.slice(x, [0, 0, 0, channel], [1, 8, 8, 1]);
        const weights = tf.slice(filter, [0, 0, channel, 0], [3, 3, 1, 1]);
        return tf.tensor(slowConvolution(image, weights, geometry));
      });
      const expected = tf.stack(parts, 1).dataSync();
      assertClose(depthwiseConv2d(x, filter, geometry).dataSync(), expected, `stride ${stride}`);
    }
  });
});

/** Central differences of sum(f(x) * r) for a fixed random r, against the registered gradient. */
function assertGradient(f: (x: Tensor) => Tensor, x: Tensor, what: string): void {
  const weights = random(f(x).shape, 11);
  const scalar = (input: Tensor): Tensor => tf.sum(tf.mul(f(input), weights));
  const gradient = tf.grad(scalar)(x).dataSync();
  const values = x.dataSync();
  const step = 1e-2;
  for (let i = 0; i < Math.min(values.length, 12); i++) {
    const at = (delta: number) => {
      const moved = values.slice();
      moved[i] = (moved[i] as number) + delta;
      return scalar(tf.tensor(moved, x.shape)).dataSync()[0] as number;
    };
    const slope = (at(step) - at(-step)) / (2 * step);
    const difference = Math.abs(slope - (gradient[i] as number));
    assert.ok(difference < 2e-2, `${what}[${i}]: ${gradient[i]} and ${slope}`);
  }
}

test("gradients of convolutions agree with finite differences", () => {
  tf.tidy(() => {
    const geometry = { stride: 2, padding: 1 };
    const x = random([1, 5, 5, 2], 5) as Tensor4D;
    const filter = random([3, 3, 2, 2], 6);
    const depthwise = random([3, 3, 2, 1], 7);
    assertGradient((input) => conv2d(input as Tensor4D, filter, geometry), x, "input");
    assertGradient((weights) => conv2d(x, weights, geometry), filter, "filter");
    assertGradient((input) => depthwiseConv2d(input as Tensor4D, depthwise, geometry), x, "input");
    assertGradient((weights) => depthwiseConv2d(x, weights, geometry), depthwise, "filter");
  });
});

test("rectifiers and their gradients, at the corners as in PyTorch", () => {
  tf.tidy(() => {
    const x = tf.tensor1d([-1, 0, 3, 6, 7]);
    const sum = (f: (x: Tensor) => Tensor) => [
      ...tf
        .grad((y) => tf.sum(f(y)))(x)
        .dataSync(),
    ];
    assert.deepEqual([...relu(x).dataSync()], [0, 0, 3, 6, 7]);
    assert.deepEqual(sum(relu), [0, 0, 1, 1, 1]);
    assert.deepEqual([...relu6(x).dataSync()], [0, 0, 3, 6, 6]);
    assert.deepEqual(sum(relu6), [0, 0, 1, 0, 0]);
  });
});

test("batch normalisation: biased variance to normalise, unbiased for the running one", () => {
  const builder = createBuilder("test", ({ role }) => {
    const values = { "bn.weight": 2, "bn.bias": 1, "bn.running_mean": 10, "bn.running_var": 4 };
    return Float32Array.of(values[role as keyof typeof values]);
  });
  const layer = batchNorm(builder, "bn", 1);
  tf.tidy(() => {
    const x = tf.tensor4d([1, 2, 3, 6], [4, 1, 1, 1]); // mean 3, variance 3.5, unbiased 14/3
    const context: ForwardContext = { training: true, updates: [] };
    const expected = [1, 2, 3, 6].map((value) => 1 + (2 * (value - 3)) / Math.sqrt(3.5 + 1e-5));
    assertClose(layer(x, context).dataSync(), expected, "training");
    const [mean, variance] = context.updates.map(([, value]) => value.dataSync()[0]);
    assertClose([mean as number], [0.9 * 10 + 0.1 * 3], "running mean");
    assertClose([variance as number], [0.9 * 4 + (0.1 * 14) / 3], "running variance");
    const evaluated = layer(x, { training: false, updates: [] }).dataSync();
    const running = [1, 2, 3, 6].map((value) => 1 + (2 * (value - 10)) / Math.sqrt(4 + 1e-5));
    assertClose(evaluated, running, "evaluation");
  });
  for (const { variable } of builder.state) variable?.dispose();
});

for (const bias of [false, true]) {
  test(`a frozen model's convolution holds its batch normalisation, ${bias ? "and its bias" : "without a bias"}`, () => {
    const values: Record<string, number[]> = {
      "conv.weight": [0.5, -2, 3, 1],
      "conv.bias": [0.25, -4],
      "bn.weight": [2, 0.5],
      "bn.bias": [1, -1],
      "bn.running_mean": [10, 3],
      "bn.running_var": [4, 0.25],
    };
    const builder = createBuilder("test", ({ name }) => Float32Array.from(values[name] ?? []));
    const geometry = { stride: 1, padding: 0, kernel: 1 };
    const conv = convolution(builder, "conv", { ...geometry, inputs: 2, outputs: 2, bias });
    const layer = normalizedConvolution(builder, conv, batchNorm(builder, "bn", 2));
    tf.tidy(() => {
      const x = tf.tensor4d([1, 2, -3, 0.5], [1, 1, 2, 2]);
      const context: ForwardContext = { training: false, updates: [] };
      const expected = layer(x, context).dataSync();
      const folded = builder.folds.flatMap((fold) => fold());
      assertClose(layer(x, context).dataSync(), expected, "folded");
      // scale * (conv(x) + b - mean) / sqrt(variance + eps) + offset of the first pixel and channel
      const first = (2 * (0.5 * 1 - 2 * 2 + (bias ? 0.25 : 0) - 10)) / Math.sqrt(4 + 1e-5) + 1;
      assertClose([expected[0] as number], [first], "by hand");
      tf.dispose(folded);
    });
    for (const { variable } of builder.state) variable?.dispose();
  });
}
