import assert from "node:assert/strict";
import { test } from "node:test";
import type { PefdError } from "#pefd/common/errors.js";
import { chooseGpu } from "#pefd/runtime/gpu/choose.js";
import type { GpuSurvey } from "#pefd/runtime/gpu/survey.js";

const gpu = (name: string, capability: string) => ({ name, capability, driver: "580.82.07" });
const traces = { models: [], driver: undefined, deviceFiles: [], onBus: 0 };
const survey: GpuSurvey = {
  gpus: [gpu("Tesla V100", "7.0"), gpu("RTX 4090", "8.9"), gpu("Tesla T4", "7.5")],
  answered: true,
  traces,
};

const visible = (env: Record<string, string>, number?: number) =>
  chooseGpu(survey, env, number)?.variables.CUDA_VISIBLE_DEVICES;

test("one GPU is left visible, in the order of the PCI bus; by itself the first usable one", () => {
  assert.deepEqual(chooseGpu(survey, {}, undefined), {
    gpu: survey.gpus[1],
    variables: { CUDA_DEVICE_ORDER: "PCI_BUS_ID", CUDA_VISIBLE_DEVICES: "1" },
  });
  assert.equal(visible({}, 2), "2");
  assert.equal(visible({}, 0), "0", "what is asked for is taken");
});

test("--gpu counts among what CUDA_VISIBLE_DEVICES leaves, by whatever names", () => {
  const names = "7, GPU-8f3c, MIG-41b2";
  assert.equal(visible({ CUDA_VISIBLE_DEVICES: names }), "GPU-8f3c");
  assert.equal(visible({ CUDA_VISIBLE_DEVICES: names }, 2), "MIG-41b2");
});

test("the user's order of devices is kept", () => {
  const chosen = chooseGpu(survey, { CUDA_DEVICE_ORDER: "FASTEST_FIRST" }, 1);
  assert.equal(chosen?.variables.CUDA_DEVICE_ORDER, "FASTEST_FIRST");
});

test("a GPU that is not there is a mistake of the user, who is told which there are", () => {
  const refusal = (found: GpuSurvey, number: number, words: RegExp) =>
    assert.throws(
      () => chooseGpu(found, {}, number),
      (error: PefdError) => error.exitCode === 2 && words.test(`${error.message} ${error.hint}`),
    );
  refusal(survey, 3, /--gpu 3.*0 Tesla V100, 1 RTX 4090, 2 Tesla T4.*from 0 to 2/);
  refusal({ ...survey, gpus: [] }, 0, /no usable GPU.*CPU/);
  assert.equal(chooseGpu({ ...survey, gpus: [] }, {}, undefined), undefined);
});
