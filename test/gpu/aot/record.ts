import { WORKS } from "#pefd/bench/bench.js";
import type { WorkName } from "#pefd/bench/types.js";
import type { PrecisionName } from "#pefd/compile/types.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";

// node record.js WORK PRECISION [TEACHER STUDENT METHOD]: hands XLA:CPU the program that a GPU would be given.

const PAIR = ["resnet32x4", "resnet8x4", "ours"];
const SIZE = { batchSize: 64, steps: 8, testImages: 400 };

const tf = loadTensorFlow({ env: process.env, keepPrograms: false });
Object.assign(tf.backend(), { isUsingGpuDevice: true });

const [work, precision, ...pair] = process.argv.slice(2) as [WorkName, PrecisionName, ...string[]];
const [teacher, student, method] = (pair.length > 0 ? pair : PAIR) as [string, string, string];
WORKS[work]({ teacher, student, method }, SIZE).open({ engine: "xla", precision }).repeat(1);
