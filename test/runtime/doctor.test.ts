import assert from "node:assert/strict";
import { test } from "node:test";
import type { Convolutions } from "#pefd/runtime/convolutions.js";
import { diagnose, type Patient } from "#pefd/runtime/doctor.js";
import { gpuCheck } from "#pefd/runtime/gpuCheck.js";

const found = { version: "2.21.0", usesGpu: false, reason: "" };
const gpus = [{ name: "NVIDIA H100", computeCapability: 9, driver: "550.54" }];
const situation = { gpus, kind: "gpu", probe: found, requested: undefined } as const;

const patient: Patient = {
  node: { version: process.version, program: process.execPath },
  env: { PATH: "/nowhere" },
  data: { directory: "/d", records: { train: 50000, test: 10000 } },
  probe: async () => found,
};

test("after a set-up all is well, and it is said where everything lies", async () => {
  const { ok, checks } = await diagnose({ ...patient, probe: undefined } as unknown as Patient);
  assert.equal(ok, true);
  const detail = Object.fromEntries(checks.map((check) => [check.name, check.detail]));
  assert.match(detail.libtensorflow ?? "", /\/libtensorflow_cc\.so\.2$/);
  assert.match(detail.tensorflow ?? "", /^2\.\d+\.\d+$/);
  assert.match(detail.gpu ?? "", /^none /);
  assert.equal(detail.data, "/d (50000 training, 10000 test images)");
});

test("a TensorFlow that does not load is missing, with its reason and the next command", async () => {
  const probe = async () => ({ version: undefined, usesGpu: false, reason: "no such file" });
  const { ok, checks } = await diagnose({ ...patient, probe });
  assert.equal(ok, false);
  const check = checks.find(({ name }) => name === "tensorflow");
  assert.match(check?.detail ?? "", /no such file/);
  assert.equal(check?.hint, "npm run setup");
});

test("it is said whose convolutions serve a processor", async () => {
  const check = async (convolutions: Convolutions) => {
    const probe = async () => ({ ...found, convolutions });
    const { ok, checks } = await diagnose({ ...patient, probe });
    assert.equal(ok, true, "pefd does its work with TensorFlow's, too");
    return checks.find(({ name }) => name === "convolutions");
  };
  const own = await check({ instructions: "avx2", problem: undefined });
  assert.equal(own?.detail, "pefd's own, avx2");
  const none = await check({ instructions: undefined, problem: undefined });
  assert.equal(none?.detail, "TensorFlow's");
  const broken = await check({ instructions: undefined, problem: "no such file" });
  assert.deepEqual([broken?.ok, broken?.hint], [false, "npm run setup"]);
  assert.match(broken?.detail ?? "", /slower.*no such file/);
});

test("missing data is reported with what to type, and is no reason to fail", async () => {
  const data = { directory: "/d", records: { problem: "The data folder /d does not exist." } };
  const { ok, checks } = await diagnose({ ...patient, data });
  assert.equal(ok, true);
  const check = checks.find(({ name }) => name === "data");
  assert.equal(check?.ok, false);
  assert.match(check?.hint ?? "", /pefd data fetch/);
});

test("an old Node.js is refused, one that nobody tried is named as such", async () => {
  const withNode = async (version: string) => {
    const node = { ...patient.node, version };
    return (await diagnose({ ...patient, node })).checks.find(({ name }) => name === "node");
  };
  assert.equal((await withNode("v18.20.0"))?.ok, false);
  assert.deepEqual((await withNode("v23.1.0"))?.ok, true);
  assert.match((await withNode("v23.1.0"))?.detail ?? "", /tested are 20, 22, 24/);
  assert.equal((await withNode("v22.1.0"))?.detail, "v22.1.0");
});

test("a GPU in use is named", () => {
  const check = gpuCheck({ ...situation, probe: { ...found, usesGpu: true } });
  assert.equal(check.ok, true);
  assert.equal(check.detail, "NVIDIA H100, compute capability 9, driver 550.54");
});

test("a GPU that is not used is said loudly, with the reason", () => {
  const cpuBuild = gpuCheck({ ...situation, kind: "cpu" });
  assert.equal(cpuBuild.ok, false);
  assert.match(cpuBuild.detail, /^NOT USED: NVIDIA H100.*CPU build/);
  assert.equal(cpuBuild.hint, "PEFD_RUNTIME=gpu npm run setup");
  const reason = "Cannot dlopen some GPU libraries.";
  const broken = gpuCheck({ ...situation, probe: { ...found, reason } });
  assert.equal(broken.ok, false);
  assert.match(broken.detail, /NOT USED.*Cannot dlopen/);
});

test("no GPU, or one that PEFD_RUNTIME=cpu leaves alone, is fine", () => {
  assert.equal(gpuCheck({ ...situation, gpus: [] }).ok, true);
  assert.equal(gpuCheck({ ...situation, kind: "cpu", requested: "cpu" }).ok, true);
});
