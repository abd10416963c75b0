import { WORKS } from "#pefd/bench/bench.js";
import type { WorkName } from "#pefd/bench/types.js";
import type { PrecisionName } from "#pefd/compile/types.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";

// node record.js WORK,PRECISION[,TEACHER,STUDENT,METHOD] ...: hands XLA:CPU the programs that a GPU would be given, one
// after the other; with --xla_disable_all_hlo_passes it dumps and then refuses them.

const PAIR = ["resnet32x4", "resnet8x4", "ours"];
const SIZE = { batchSize: 64, steps: 8, testImages: 400 };

const tf = loadTensorFlow({ env: process.env, keepPrograms: false });
Object.assign(tf.backend(), { isUsingGpuDevice: true });

for (const words of process.argv.slice(2)) {
  const [work, precision, ...pair] = words.split(",") as [WorkName, PrecisionName, ...string[]];
  const [teacher, student, method] = (pair.length > 0 ? pair : PAIR) as [string, string, string];
  const opened = WORKS[work]({ teacher, student, method }, SIZE);
  const program = opened.open({ engine: "xla", precision });
  try {
    program.repeat(1);
  } catch (error) {
    if (!/UNIMPLEMENTED|INTERNAL|unsupported|not implemented/i.test(String(error))) throw error;
  }
  program.dispose();
  opened.dispose();
}
