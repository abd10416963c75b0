import { bringGpuTree } from "./setup/gpuTree.js";
import { fail } from "./setup/problem.js";
import { progressOn } from "./setup/progress.js";
import { ROOT, setup } from "./setup/setup.js";

// Brings TensorFlow's build for GPUs and prints where it lies; tests of the pretended GPU (test/gpu) use it.

const progress = progressOn(process.stderr);
try {
  await setup();
  process.stdout.write(`${await bringGpuTree(ROOT, progress)}\n`);
} catch (error) {
  fail(error);
} finally {
  progress.clear();
}
