import { kernelSet } from "#pefd/runtime/ownOps.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";

// Prints the sets of kernels of the environment that it was started with, for kernelSet.test.ts.
loadTensorFlow();
const sets = [
  kernelSet({ engine: "graph", precision: "float32" }),
  kernelSet({ engine: "eager", precision: "float32" }),
  kernelSet({ engine: "xla", precision: "float32" }),
  kernelSet({ engine: "graph", precision: "bfloat16" }),
];
process.stdout.write(JSON.stringify(sets.map((set) => set ?? null)));
