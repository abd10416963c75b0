import { WORKS } from "#pefd/bench/bench.js";
import type { WorkName } from "#pefd/bench/types.js";
import type { PrecisionName } from "#pefd/compile/types.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";

// node record.js WORK PRECISION: compiles the program that a GPU would be given, for XLA:CPU, which dumps it; whoever
// waits for the dump ends this process.

const [work, precision] = process.argv.slice(2) as [WorkName, PrecisionName];
const tf = loadTensorFlow({ env: process.env, keepPrograms: false });
Object.assign(tf.backend(), { isUsingGpuDevice: true });

const PAIR = { teacher: "resnet32x4", student: "resnet8x4", method: "ours" };
const SIZE = { batchSize: 64, steps: 8, testImages: 400 };
WORKS[work](PAIR, SIZE).open({ engine: "xla", precision }).repeat(1);
