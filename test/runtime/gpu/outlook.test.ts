import assert from "node:assert/strict";
import { test } from "node:test";
import { gpuOutlook } from "#pefd/runtime/gpu/outlook.js";
import type { GpuSurvey } from "#pefd/runtime/gpu/survey.js";

const traces = { models: [], driver: undefined, deviceFiles: [], onBus: 0 };
const nothing: GpuSurvey = { gpus: [], answered: false, traces };
const h100 = { name: "NVIDIA H100", capability: "9.0", driver: "580.82.07" };

test("a machine without any sign of a GPU has none", () => {
  assert.equal(gpuOutlook(nothing, {}).state, "none");
  const problem = { text: "libcuda.so.1: cannot open shared object file" };
  assert.equal(gpuOutlook({ ...nothing, problem }, {}).state, "none");
  const empty = { text: "cuInit failed: CUDA_ERROR_NO_DEVICE", code: 100 };
  assert.equal(gpuOutlook({ ...nothing, problem: empty }, {}).state, "none", "a driver without a GPU");
});

test("a GPU that the CUDA driver lists fits, whatever nvidia-smi says", () => {
  const survey = {
    ...nothing,
    gpus: [h100],
    answered: true,
    smiProblem: "nvidia-smi failed: no NVML",
  };
  assert.deepEqual(gpuOutlook(survey, {}), { state: "fits", gpu: h100, fits: true });
});

test("an emptied CUDA_VISIBLE_DEVICES is the user's wish", () => {
  const survey = { ...nothing, traces: { ...traces, models: ["NVIDIA H100"] } };
  assert.equal(gpuOutlook(survey, { CUDA_VISIBLE_DEVICES: "" }).state, "none");
  assert.equal(gpuOutlook(survey, { CUDA_VISIBLE_DEVICES: "-1" }).state, "none");
});

/** What is seen of a GPU that does not work, and what is to be said of it. */
const UNFIT: Record<string, [Partial<GpuSurvey>, RegExp, RegExp]> = {
  "a container without the driver's libraries": [
    { gpus: [h100], problem: { text: "libcuda.so.1: cannot open shared object file" } },
    /^found NVIDIA H100, but libcuda/,
    /--gpus all/,
  ],
  "a driver updated under a running one": [
    {
      gpus: [h100],
      problem: { text: "cuInit failed: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH", code: 803 },
    },
    /DRIVER_MISMATCH/,
    /restart the machine/,
  ],
  "an old driver, which may be why CUDA does not answer": [
    { gpus: [{ ...h100, driver: "470.1" }], problem: { text: "cuInit failed", code: 35 } },
    /driver 470\.1/,
    /555/,
  ],
  "a GPU that only the kernel knows": [
    {
      traces: { ...traces, models: ["NVIDIA A100-SXM4-40GB"] },
      smiProblem: "nvidia-smi is missing",
    },
    /^found NVIDIA A100-SXM4-40GB, but nvidia-smi is missing/,
    /PEFD_RUNTIME=cpu/,
  ],
  "a device file": [
    {
      traces: { ...traces, deviceFiles: ["nvidia0"] },
      problem: { text: "cuInit failed", code: 999 },
    },
    /^found \/dev\/nvidia0, but cuInit failed/,
    /nvidia_uvm/,
  ],
  "a driver that answers with an error, and nothing else": [
    { problem: { text: "cuInit failed: CUDA_ERROR_UNKNOWN", code: 999 } },
    /^found the NVIDIA driver, but cuInit failed/,
    /nvidia_uvm/,
  ],
};

for (const [what, [seen, why, hint]] of Object.entries(UNFIT)) {
  test(`${what}: said, with what to do`, () => {
    const outlook = gpuOutlook({ ...nothing, ...seen }, {});
    assert.ok(outlook.state === "unfit");
    assert.match(outlook.why, why);
    assert.match(outlook.hint, hint);
  });
}

test("signs that need no GPU to work with are no reason to fail", () => {
  const onBus = gpuOutlook({ ...nothing, traces: { ...traces, onBus: 1 } }, {});
  const smi = gpuOutlook({ ...nothing, smiProblem: "nvidia-smi failed: no driver" }, {});
  assert.deepEqual([onBus.state, smi.state], ["doubtful", "doubtful"]);
});
