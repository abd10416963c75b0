// Milliseconds of depthwise and grouped convolutions and of 1x1 convolutions of odd widths, ours beside PyTorch's in
// channels_last: node scripts/bench-convolutions.js [ROUNDS]. Both take turns, shape by shape. PEFD_PYTHON names a Python
// with torch; PEFD_CONVOLUTIONS=tensorflow times TensorFlow's own in the place of ours.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { conv2d, depthwiseConv2d } from "../dist/nn/convolution/convolution.js";
import { groupedConv2d } from "../dist/nn/layers.js";
import { loadTensorFlow, tf } from "../dist/runtime/tf.js";

const BATCH = 64;
const ROUNDS = Number(process.argv[2] ?? 7);
// Long enough for a clock, and as long for everybody.
const MILLISECONDS = 30;

/** Size of the images, inputs, outputs, kernel, stride, groups: as the models have them for 32x32 images. */
const SHAPES = [
  ["ShuffleV1", 32, 54, 54, 3, 2, 54],
  ["ShuffleV1", 16, 60, 60, 3, 1, 60],
  ["ShuffleV1", 8, 120, 120, 3, 1, 120],
  ["ShuffleV1", 4, 240, 240, 3, 1, 240],
  ["ShuffleV2", 32, 58, 58, 3, 2, 58],
  ["ShuffleV2", 16, 58, 58, 3, 1, 58],
  ["ShuffleV2", 8, 116, 116, 3, 1, 116],
  ["MobileNetV2", 16, 48, 48, 3, 1, 48],
  ["MobileNetV2", 16, 72, 72, 3, 2, 72],
  ["MobileNetV2", 4, 288, 288, 3, 1, 288],
  ["MobileNet", 16, 64, 64, 3, 2, 64],
  ["MobileNet", 8, 128, 128, 3, 1, 128],
  ["MobileNet", 2, 512, 512, 3, 1, 512],
  ["ShuffleV1", 16, 240, 60, 1, 1, 3],
  ["ShuffleV1", 16, 60, 240, 1, 1, 3],
  ["ShuffleV1", 8, 480, 120, 1, 1, 3],
  ["ShuffleV1", 4, 240, 960, 1, 1, 3],
  ["ShuffleV2", 32, 24, 58, 1, 1, 1],
  ["ShuffleV2", 16, 58, 58, 1, 1, 1],
  ["ShuffleV2", 8, 116, 116, 1, 1, 1],
  ["ShuffleV2", 4, 232, 232, 1, 1, 1],
  ["MobileNetV2", 16, 8, 48, 1, 1, 1],
  ["MobileNetV2", 16, 48, 12, 1, 1, 1],
  ["MobileNetV2", 16, 72, 16, 1, 1, 1],
  ["MobileNet", 8, 128, 256, 1, 1, 1],
  ["ResNet50", 8, 256, 64, 1, 1, 1],
];

const PASSES = ["forward", "forward, gradient of images", "forward, gradient of filter"];

function ours([, size, inputs, outputs, kernel, stride, groups]) {
  const random = (shape) => tf.randomNormal(shape);
  const x = random([BATCH, size, size, inputs]);
  const isDepthwise = groups === inputs;
  const filter = isDepthwise ? random([kernel, kernel, inputs, 1]) : random([kernel, kernel, inputs / groups, outputs]);
  const geometry = { stride, padding: (kernel - 1) / 2 };
  const convolve = (image, weights) => {
    if (isDepthwise) return depthwiseConv2d(image, weights, geometry);
    if (groups > 1) return groupedConv2d(image, weights, { ...geometry, groups });
    return conv2d(image, weights, geometry);
  };
  const dy = random(convolve(x, filter).shape);
  const [ofImages, ofFilter] = [tf.grad((a) => convolve(a, filter)), tf.grad((b) => convolve(x, b))];
  return [() => convolve(x, filter), () => ofImages(x, dy), () => ofFilter(filter, dy)];
}

/** The mean of as many calls as take some time. */
function timed(run) {
  const started = performance.now();
  let calls = 0;
  let passed = 0;
  for (; passed < MILLISECONDS; passed = performance.now() - started) {
    tf.tidy(() => void run());
    calls++;
  }
  return passed / calls;
}

const script = fileURLToPath(new URL("bench-convolutions.py", import.meta.url));
const python = spawn(process.env.PEFD_PYTHON ?? "python3", [script, String(BATCH), String(MILLISECONDS)], {
  stdio: ["pipe", "pipe", "inherit"],
});
const lines = createInterface({ input: python.stdout })[Symbol.asyncIterator]();

async function theirs(shape, pass) {
  python.stdin.write(`${JSON.stringify([...shape.slice(1), pass])}\n`);
  return Number((await lines.next()).value);
}

const median = (times) => times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)];

loadTensorFlow({ env: process.env, keepPrograms: false });
process.stdout.write("| of | [H, W, inputs] to outputs | kernel, stride, groups | pass | pefd | PyTorch | ratio |\n");
process.stdout.write("| --- | --- | --- | --- | --- | --- | --- |\n");
for (const shape of SHAPES) {
  const [model, size, inputs, outputs, kernel, stride, groups] = shape;
  for (const [pass, run] of ours(shape).entries()) {
    const times = [[], []];
    for (let round = -1; round < ROUNDS; round++) {
      const pair = [timed(run), await theirs(shape, pass)];
      if (round >= 0) for (const [i, time] of pair.entries()) times[i].push(time);
    }
    const [mine, other] = times.map(median);
    const cells = [
      model,
      `[${size}, ${size}, ${inputs}] to ${outputs}`,
      `${kernel}, ${stride}, ${groups}`,
      PASSES[pass],
      mine.toFixed(2),
      other.toFixed(2),
      (mine / other).toFixed(2),
    ];
    process.stdout.write(`| ${cells.join(" | ")} |\n`);
  }
}
python.stdin.end();
