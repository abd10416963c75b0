import assert from "node:assert/strict";
import { test } from "node:test";
import { gpuNames } from "#pefd/sweep/devices.js";
import { fakeMachine } from "../runtime/fakeMachine.js";

const LINES = ["Tesla K80, 3.7, 470.1", "RTX 4090, 8.9, 580.82.07", "Tesla T4, 7.5, 580.82.07"];

test("a sweep spreads over the visible GPUs that can be used, by the names that CUDA takes", (t) => {
  const machine = fakeMachine();
  t.after(() => machine.remove());
  machine.program(
    "nvidia-smi",
    `const lines = ${JSON.stringify(LINES)};
     const id = process.argv.find((word) => word.startsWith("--id="))?.slice(5);
     console.log(id === undefined ? lines.join("\\n") : lines[id] ?? lines[1]);`,
  );
  const names = (more: Record<string, string>) => gpuNames({ ...machine.settings.env, ...more });
  assert.deepEqual(names({}), ["1", "2"]);
  assert.deepEqual(names({ CUDA_VISIBLE_DEVICES: "2,0,GPU-8f3c" }), ["2", "GPU-8f3c"]);
  assert.deepEqual(names({ CUDA_VISIBLE_DEVICES: "" }), []);
  assert.deepEqual(names({ PEFD_RUNTIME: "cpu" }), []);
});
