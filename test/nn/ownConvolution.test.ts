import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { ownOp } from "#pefd/ops/ops.js";
import { fusedConvolution, fusedInputGradient } from "#pefd/ops/own.js";
import { type Tensor, tf } from "#pefd/runtime/tf.js";
import { runScript } from "../helpers/pefd.js";
import { random, sizes } from "../native/ops.js";
import { distance, OWN, run } from "./ownOps.js";

/** Sizes [N, H, W, inputs, outputs]: squares that tiles fill and others, one pixel, one channel group and several. */
const SIZES = [
  [1, 1, 1, 16, 16],
  [3, 4, 4, 16, 32],
  [2, 5, 7, 48, 16],
  [1, 33, 2, 32, 80],
  [16, 8, 8, 256, 256],
  [5, 32, 32, 32, 64],
] as const;

const GEOMETRIES = [
  [3, 1],
  [3, 2],
  [1, 1],
  [1, 2],
] as const;

/** The same of 1x1 with stride 1, which takes any number of channels. */
const ODD = [
  [1, 1, 1, 1, 1],
  [2, 5, 7, 8, 48],
  [3, 9, 8, 58, 58],
  [64, 4, 4, 24, 7],
] as const;

/** The same of 3x3, where images with fewer than 16 channels, as a model's first ones, have no gradient. */
const STEMS = [
  [16, 32, 32, 3, 64],
  [2, 7, 9, 1, 24],
  [3, 1, 2, 3, 16],
] as const;

const CASES = [
  ...GEOMETRIES.flatMap((geometry) => SIZES.map((size) => [geometry, size] as const)),
  ...ODD.map((size) => [[1, 1] as const, size] as const),
  ...STEMS.flatMap((size) => [[[3, 1] as const, size] as const, [[3, 2] as const, size] as const]),
];

for (const [[kernel, stride], [n, h, w, inputs, outputs]] of CASES) {
  const name = `${kernel}x${kernel}, stride ${stride}, [${[n, h, w, inputs]}] to ${outputs} channels`;
  test(`${name}: a convolution and its gradients are TensorFlow's`, OWN, () => {
    const hasStem = kernel === 3 && inputs < 16;
    const results = (size: number) => Math.floor((size - 1) / stride) + 1;
    const x = random([n, h, w, inputs], 1);
    const filter = random([kernel, kernel, inputs, outputs], 2);
    const dy = random([n, results(h), results(w), outputs], 3);
    const calls: Record<string, Tensor[]> = {
      Conv2D: [x, filter],
      ...(hasStem ? {} : { Conv2DBackpropInput: [sizes(x.shape), filter, dy] }),
      Conv2DBackpropFilter: [x, sizes(filter.shape), dy],
    };
    for (const [op, operands] of Object.entries(calls)) {
      const expected = run(op, operands, kernel, stride);
      const error = distance(run(ownOp(op), operands, kernel, stride), expected);
      assert.ok(error < 1e-4, `${op}: ${error}`);
    }
  });
}

test("a convolution joined with what follows it has the bits of one op after the other", OWN, () => {
  const [x, filter] = [random([3, 9, 9, 16], 1), random([3, 3, 16, 48], 2)];
  const [bias, image] = [random([48], 3), random([3, 9, 9, 48], 4)];
  const alone = tf.add(run(ownOp("Conv2D"), [x, filter]), bias);
  for (const sum of [false, true]) {
    for (const relu of [false, true]) {
      const added = sum ? tf.add(alone, image) : alone;
      const operands = [x, filter, bias, ...(sum ? [image] : [])];
      const joined = run(fusedConvolution({ sum, relu }), operands);
      const apart = relu ? tf.relu(added) : added;
      assert.deepEqual(joined.dataSync(), apart.dataSync(), `sum ${sum}, relu ${relu}`);
    }
  }
});

test("a gradient joined with what follows it has the bits of one op after the other", OWN, () => {
  for (const stride of [1, 2]) {
    const [filter, dy] = [random([3, 3, 16, 48], 1), random([3, 8 / stride, 8 / stride, 48], 2)];
    const [image, features] = [random([3, 8, 8, 16], 3), random([3, 8, 8, 16], 4)];
    const operands = [sizes(image.shape), filter, dy];
    const alone = run(ownOp("Conv2DBackpropInput"), operands, 3, stride);
    const passed = tf.cast(tf.greater(features, 0), "float32");
    for (const sum of [false, true]) {
      for (const relu of [false, true]) {
        const added = sum ? tf.add(alone, image) : alone;
        const more = [...(sum ? [image] : []), ...(relu ? [features] : [])];
        const joined = run(fusedInputGradient({ sum, relu }), [...operands, ...more], 3, stride);
        const apart = relu ? tf.mul(added, passed) : added;
        assert.deepEqual(joined.dataSync(), apart.dataSync(), `${stride}, ${sum}, ${relu}`);
      }
    }
  }
});

test("what is not a number stays so, and infinity does not hide", OWN, () => {
  const filter = random([3, 3, 16, 16], 2);
  const around = (wrong: number, op: string): number[] => {
    const image = new Float32Array(8 * 8 * 16).fill(1);
    image[(3 * 8 + 3) * 16] = wrong;
    const y = run(op, [tf.tensor(image, [1, 8, 8, 16]), filter, tf.zeros([16])]).dataSync();
    return [2, 3, 4].map((pixel) => y[(pixel * 8 + pixel) * 16] as number);
  };
  const withRelu = around(Number.NaN, fusedConvolution({ sum: false, relu: true }));
  assert.deepEqual(withRelu, [Number.NaN, Number.NaN, Number.NaN]);
  const plain = around(Number.POSITIVE_INFINITY, fusedConvolution({ sum: false, relu: false }));
  assert.equal(plain.some(Number.isFinite), false, String(plain));
});

test("sizes that do not fit are refused with a reason", OWN, () => {
  const image = (channels: number) => random([1, 4, 4, channels], 1);
  const filter = (size: number, inputs: number) => random([size, size, inputs, 16], 2);
  assert.throws(() => run(ownOp("Conv2D"), [image(24), filter(3, 24)]), /multiples of 16/);
  assert.throws(
    () => run(ownOp("Conv2DBackpropInput"), [sizes([1, 4, 4, 3]), filter(3, 3), image(16)]),
    /less than 16 channels have no gradient/,
  );
  const product = tf.zeros([1, 1, 3, 16]);
  assert.throws(() => run(ownOp("Conv2D"), [image(16), product], 1), /those of several groups/);
  assert.throws(() => run(ownOp("Conv2D"), [image(9), product], 1), /All groups must have as many outputs/);
  assert.throws(() => run(ownOp("Conv2D"), [image(16), filter(5, 16)]), /\[3, 3, inputs, outputs\] or \[1, 1/);
  assert.throws(() => run(ownOp("Conv2D"), [image(32), filter(3, 16)]), /filter's channels/);
});

const DIGEST = fileURLToPath(new URL("./convolutionDigest.js", import.meta.url));

/** What decides nothing about the bits: how many threads work, and on which instructions. */
const SETTINGS: Record<string, Record<string, string>> = {
  "one thread": { TF_NUM_INTRAOP_THREADS: "1" },
  "three threads": { TF_NUM_INTRAOP_THREADS: "3" },
  "AVX2 in the place of AVX-512": { PEFD_CONVOLUTIONS: "avx2" },
};

test("threads and instructions change no bit", OWN, async () => {
  const digest = async (env: Record<string, string>) => {
    const { exitCode, stdout, stderr } = await runScript(DIGEST, [], { env });
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  const usual = await digest({});
  assert.match(usual, /^[0-9a-f]{64}$/);
  for (const [name, env] of Object.entries(SETTINGS)) {
    assert.equal(await digest(env), usual, name);
  }
});
