import assert from "node:assert/strict";
import { test } from "node:test";
import { gpuNames, idleGpusNotice } from "#pefd/sweep/execute.js";
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

test("who leaves GPUs idle is told how to use them, and nobody else", () => {
  assert.equal(idleGpusNotice(6, 1, 4), "1 of 4 GPUs is used: --jobs 4 uses all.");
  assert.equal(idleGpusNotice(3, 2, 4), "2 of 4 GPUs are used: --jobs 3 uses all.");
  for (const [runs, jobs, gpus] of [
    [6, 1, 0],
    [6, 1, 1],
    [6, 4, 4],
    [1, 1, 4],
    [0, 1, 4],
  ] as const) {
    assert.equal(idleGpusNotice(runs, jobs, gpus), undefined);
  }
});
