import assert from "node:assert/strict";
import { test } from "node:test";
import {
  computeCapability,
  deviceName,
  fallbackWarning,
  isGpu,
  processorName,
} from "#pefd/runtime/device.js";
import { parseGpus, usedGpuMemory, visibleGpus } from "#pefd/runtime/nvidia.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { fakeMachine } from "./fakeMachine.js";

const LINES = "NVIDIA H100 80GB HBM3, 9.0, 550.54.15\nTesla T4, 7.5, 550.54.15\n";

test("nvidia-smi's lines are read", () => {
  assert.deepEqual(parseGpus(LINES), [
    { name: "NVIDIA H100 80GB HBM3", computeCapability: 9, driver: "550.54.15" },
    { name: "Tesla T4", computeCapability: 7.5, driver: "550.54.15" },
  ]);
  assert.deepEqual(parseGpus("No devices were found\n"), []);
});

test("CUDA_VISIBLE_DEVICES chooses among the GPUs, and may leave none", () => {
  const machine = fakeMachine();
  try {
    machine.program(
      "nvidia-smi",
      `const lines = ${JSON.stringify(LINES)}.trim().split("\\n");
       const id = process.argv.find((word) => word.startsWith("--id="))?.slice(5);
       console.log(id ? lines[id] : lines.join("\\n"));`,
    );
    const names = (visible: string | undefined) =>
      visibleGpus({ ...machine.settings.env, CUDA_VISIBLE_DEVICES: visible }).map(
        ({ name }) => name,
      );
    assert.deepEqual(names(undefined), ["NVIDIA H100 80GB HBM3", "Tesla T4"]);
    assert.deepEqual(names("1"), ["Tesla T4"]);
    assert.deepEqual(names("1,0"), ["Tesla T4", "NVIDIA H100 80GB HBM3"]);
    assert.deepEqual(names(""), []);
    assert.deepEqual(names("-1"), []);
  } finally {
    machine.remove();
  }
});

test("the memory in use is that of the first visible GPU; none is told where nvidia-smi does not answer", () => {
  const machine = fakeMachine();
  try {
    assert.equal(usedGpuMemory(machine.settings.env), undefined);
    machine.program(
      "nvidia-smi",
      `const id = process.argv.find((word) => word.startsWith("--id="))?.slice(5);
       const asked = process.argv.includes("--query-gpu=memory.used");
       console.log(asked ? { 0: "3421", 1: "17" }[id] : "?");`,
    );
    const used = (visible: string | undefined) =>
      usedGpuMemory({ ...machine.settings.env, CUDA_VISIBLE_DEVICES: visible });
    assert.deepEqual([used(undefined), used("1,0")], [3421, 17]);
  } finally {
    machine.remove();
  }
});

test("the processor is named with its cores", () => {
  assert.match(processorName(), /^CPU \(\S.*, \d+ cores?\)$/);
});

test("a GPU beside TensorFlow's CPU build gives a loud warning", (t) => {
  loadTensorFlow();
  if (isGpu()) return t.skip("TensorFlow uses a GPU here");
  const machine = fakeMachine();
  try {
    machine.program("nvidia-smi", `console.log(${JSON.stringify(LINES)})`);
    const { env } = machine.settings;
    assert.equal(fallbackWarning({ ...env, PEFD_RUNTIME: "cpu" }), undefined);
    assert.match(
      fallbackWarning(env) ?? "",
      /^THE GPU IS NOT USED\. .*H100 80GB HBM3.*npm run setup/,
    );
    assert.equal(deviceName(env), processorName());
    assert.equal(computeCapability(env), undefined);
  } finally {
    machine.remove();
  }
});
