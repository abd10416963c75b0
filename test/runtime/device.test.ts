import assert from "node:assert/strict";
import { test } from "node:test";
import { computeCapability, cpuName, deviceName, deviceWarning, isGpu } from "#pefd/runtime/device.js";
import { askSmi, parseGpus, usedGpuMemory, visibleGpus } from "#pefd/runtime/gpu/nvidiaSmi.js";
import { type GpuSurvey, rememberGpus, surveyGpus } from "#pefd/runtime/gpu/survey.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { fakeMachine } from "./fakeMachine.js";

const LINES = "NVIDIA H100 80GB HBM3, 9.0, 580.82.07\nTesla T4, 7.5, 580.82.07\n";

test("nvidia-smi's lines are read", () => {
  assert.deepEqual(parseGpus(LINES), [
    { name: "NVIDIA H100 80GB HBM3", capability: "9.0", driver: "580.82.07" },
    { name: "Tesla T4", capability: "7.5", driver: "580.82.07" },
  ]);
  assert.deepEqual(parseGpus("No devices were found\n"), []);
  const [all] = parseGpus("Tesla T4, 7.5, 580.82.07, 15360 MiB, GPU-1b, 00000000:02:00.0\n");
  assert.deepEqual([all?.memory, all?.uuid, all?.bus], [15360 * 2 ** 20, "GPU-1b", "00000000:02:00.0"]);
  const [some] = parseGpus("Tesla T4, [N/A], 580.82.07, [Not Supported], GPU-1b, [N/A]\n");
  assert.deepEqual(some, {
    name: "Tesla T4",
    capability: undefined,
    driver: "580.82.07",
    uuid: "GPU-1b",
  });
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
      visibleGpus({ ...machine.settings.env, CUDA_VISIBLE_DEVICES: visible }).map(({ name }) => name);
    assert.deepEqual(names(undefined), ["NVIDIA H100 80GB HBM3", "Tesla T4"]);
    assert.deepEqual(names("1"), ["Tesla T4"]);
    assert.deepEqual(names("1,0"), ["Tesla T4", "NVIDIA H100 80GB HBM3"]);
    assert.deepEqual(names(""), []);
    assert.deepEqual(names("-1"), []);
  } finally {
    machine.remove();
  }
});

test("the memory in use is that of the GPU that is asked for; none is told where nvidia-smi does not answer", () => {
  const machine = fakeMachine();
  try {
    assert.equal(usedGpuMemory(machine.settings.env, "0"), undefined);
    machine.program(
      "nvidia-smi",
      `const id = process.argv.find((word) => word.startsWith("--id="))?.slice(5);
       const asked = process.argv.includes("--query-gpu=memory.used");
       console.log(asked ? { 0: "3421", 1: "17" }[id] : "?");`,
    );
    const used = (id: string) => usedGpuMemory(machine.settings.env, id);
    assert.deepEqual([used("0"), used("1")], [3421, 17]);
  } finally {
    machine.remove();
  }
});

test("an nvidia-smi that does not know compute capabilities still tells the GPUs; one that fails says why", () => {
  const machine = fakeMachine();
  try {
    assert.deepEqual(askSmi(machine.settings.env), { problem: "nvidia-smi is missing" });
    machine.program(
      "nvidia-smi",
      `if (process.argv.join().includes("compute_cap")) {
         console.log('Field "compute_cap" is not a valid field to query.');
         process.exit(2);
       }
       console.log("Tesla T4, 460.32.03, 15109 MiB, GPU-1b, 00000000:02:00.0");`,
    );
    const answer = askSmi(machine.settings.env);
    assert.ok("gpus" in answer);
    assert.deepEqual([answer.gpus[0]?.capability, answer.gpus[0]?.driver], [undefined, "460.32.03"]);
    machine.program("nvidia-smi", "console.log('NVIDIA-SMI has failed'); process.exit(9);");
    assert.deepEqual(askSmi(machine.settings.env), {
      problem: "nvidia-smi failed: NVIDIA-SMI has failed",
    });
    machine.program("nvidia-smi", "process.kill(process.pid, 'SIGKILL');");
    assert.deepEqual(askSmi(machine.settings.env), { problem: "nvidia-smi did not answer" });
  } finally {
    machine.remove();
  }
});

test("the processor is named with its cores", () => {
  assert.match(cpuName(), /^CPU \(\S.*, \d+ cores?\)$/);
});

test("a GPU that is not used gives a loud warning", (t) => {
  loadTensorFlow();
  if (isGpu()) return t.skip("TensorFlow uses a GPU here");
  const machine = fakeMachine();
  try {
    machine.program("nvidia-smi", `console.log(${JSON.stringify(LINES)})`);
    const { env } = machine.settings;
    const said = (gpus: GpuSurvey) => {
      rememberGpus(gpus);
      return deviceWarning(env) ?? "";
    };
    const survey = surveyGpus(env);
    const works = { ...survey, answered: true };
    const { problem: _, ...silent } = works;
    assert.equal(deviceWarning({ ...env, PEFD_RUNTIME: "cpu" }), undefined);
    assert.match(said(silent), /^THE GPU IS NOT USED: .*H100 80GB HBM3.*(pefd setup|pefd doctor)/);
    assert.match(said(silent), /many times slower\.$/);
    assert.match(said(survey), /^THE GPU IS NOT USED: .*H100 80GB HBM3, but libcuda/);
    assert.equal(said({ ...silent, gpus: [] }), "");
    assert.equal(deviceName(env), cpuName());
    assert.equal(computeCapability(env), undefined);
  } finally {
    machine.remove();
  }
});
