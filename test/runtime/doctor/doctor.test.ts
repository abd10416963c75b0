import assert from "node:assert/strict";
import { test } from "node:test";
import { type DoctorInputs, diagnose, gpuCheck, gpuLibrariesCheck } from "#pefd/runtime/doctor/doctor.js";
import { gpuReason } from "#pefd/runtime/doctor/probe.js";
import type { OwnModule } from "#pefd/runtime/ownModule.js";
import { REDUCED_PRODUCTS } from "#pefd/runtime/ownModule.js";

const found = { version: "2.21.0", usesGpu: false, reason: "" };
const driver = "580.82.07";
const h100 = { name: "NVIDIA H100", capability: "9.0", memory: 85_520_809_984, driver };
const t4 = { name: "Tesla T4", capability: "7.5", driver };
const k80 = { name: "Tesla K80", capability: "3.7", driver };
const traces = { models: [], driver: undefined, deviceFiles: [], onBus: 0 };
const survey = { gpus: [h100], answered: true, traces };
const outlook = { state: "fits", gpu: h100 } as const;
const situation = { survey, outlook, kind: "gpu", probe: found, requested: undefined } as const;

const module: OwnModule = {
  instructions: undefined,
  reduced: undefined,
  bfloat16Activations: false,
  problem: undefined,
};

const inputs: DoctorInputs = {
  node: { version: process.version, program: process.execPath },
  env: { PATH: "/nowhere" },
  data: { directory: "/d", records: { train: 50000, test: 10000 } },
  probe: async () => found,
};

test("after a setup all is well, and it is said where everything lies", async () => {
  const { probe: _, ...withoutProbe } = inputs;
  const { ok, checks } = await diagnose({ ...withoutProbe, survey: { ...survey, gpus: [] } });
  assert.equal(ok, true);
  const detail = Object.fromEntries(checks.map((check) => [check.name, check.detail]));
  assert.match(detail.libtensorflow ?? "", /\/libtensorflow_cc\.so\.2$/);
  assert.match(detail.tensorflow ?? "", /^2\.\d+\.\d+$/);
  assert.match(detail.gpu ?? "", /^none /);
  assert.equal(detail.data, "/d (50000 training, 10000 test images)");
});

test("what pefd cannot do without is required, nothing else is", async () => {
  const { checks } = await diagnose(inputs);
  const required = checks.filter((check) => check.required).map(({ name }) => name);
  assert.deepEqual(required.slice(0, 4), ["node", "binding", "libtensorflow", "tensorflow"]);
  assert.ok(!required.includes("data") && !required.includes("convolutions"), required.join());
});

test("a TensorFlow that does not load is missing, with its reason and the next command", async () => {
  const probe = async () => ({ version: undefined, usesGpu: false, reason: "no such file" });
  const { ok, checks } = await diagnose({ ...inputs, probe });
  assert.equal(ok, false);
  const check = checks.find(({ name }) => name === "tensorflow");
  assert.match(check?.detail ?? "", /no such file/);
  assert.equal(check?.hint, "pefd setup");
});

test("it is said whose convolutions serve a processor", async () => {
  const check = async (ownModule: OwnModule) => {
    const probe = async () => ({ ...found, ownModule });
    const { ok, checks } = await diagnose({ ...inputs, probe });
    assert.equal(ok, true, "pefd does its work with TensorFlow's, too");
    return checks.find(({ name }) => name === "convolutions");
  };
  const own = await check({ ...module, instructions: "avx2" });
  assert.equal(own?.detail, "pefd's own, avx2");
  const withUnits = await check({
    ...module,
    instructions: "avx512",
    reduced: REDUCED_PRODUCTS.AMX,
  });
  assert.equal(withUnits?.detail, "pefd's own, avx512; bfloat16 on AMX");
  const none = await check(module);
  assert.equal(none?.detail, "TensorFlow's");
  const broken = await check({ ...module, problem: "no such file" });
  assert.deepEqual([broken?.ok, broken?.hint], [false, "pefd setup"]);
  assert.match(broken?.detail ?? "", /slower.*no such file/);
});

test("it is said who decodes and resizes images", async () => {
  const check = async (ownModule: OwnModule) => {
    const probe = async () => ({ ...found, ownModule });
    const { checks } = await diagnose({ ...inputs, probe });
    return checks.find(({ name }) => name === "images");
  };
  const own = await check({ ...module, instructions: "avx2" });
  assert.deepEqual([own?.ok, own?.detail], [true, "decoded by TensorFlow, resized by pefd's own compiled code"]);
  const none = await check(module);
  assert.equal(none?.ok, true);
  assert.match(none?.detail ?? "", /in JavaScript \(slower, same bytes\)/);
  const broken = await check({ ...module, problem: "no such file" });
  assert.deepEqual([broken?.ok, broken?.hint], [false, "pefd setup"]);
});

test("missing data is reported with what to type, and is no reason to fail", async () => {
  const data = { directory: "/d", records: { problem: "The data folder /d does not exist." } };
  const { ok, checks } = await diagnose({ ...inputs, data });
  assert.equal(ok, true);
  const check = checks.find(({ name }) => name === "data");
  assert.equal(check?.ok, false);
  assert.match(check?.hint ?? "", /pefd data fetch/);
});

test("an old Node.js is refused, one that nobody tried is named as such", async () => {
  const withNode = async (version: string) => {
    const node = { ...inputs.node, version };
    return (await diagnose({ ...inputs, node })).checks.find(({ name }) => name === "node");
  };
  assert.equal((await withNode("v18.20.0"))?.ok, false);
  assert.deepEqual((await withNode("v23.1.0"))?.ok, true);
  assert.match((await withNode("v23.1.0"))?.detail ?? "", /tested are 20, 22, 24/);
  assert.equal((await withNode("v22.1.0"))?.detail, "v22.1.0");
});

test("a GPU in use is named, and so are the others, and what has to be known of it", () => {
  const check = gpuCheck({ ...situation, probe: { ...found, usesGpu: true } });
  assert.equal(check.ok, true);
  assert.equal(check.detail, "NVIDIA H100, compute capability 9.0, 79.6 GB, driver 580.82.07");
  const more = { ...survey, gpus: [h100, t4, k80], smiProblem: "nvidia-smi failed: no NVML" };
  const { lines = [] } = gpuCheck({
    ...situation,
    survey: more,
    probe: { ...found, usesGpu: true },
  });
  assert.match(lines[0] ?? "", /^--gpu 1: Tesla T4, compute capability 7\.5/);
  assert.match(lines[1] ?? "", /^--gpu 2: Tesla K80.*not usable: .*3\.7/);
  assert.equal(lines[2], "nvidia-smi failed: no NVML");
});

test("a GPU that is not used is said loudly, with the reason", () => {
  const cpuBuild = gpuCheck({ ...situation, kind: "cpu" });
  assert.equal(cpuBuild.ok, false);
  assert.match(cpuBuild.detail, /^NOT USED: NVIDIA H100.*CPU build/);
  assert.equal(cpuBuild.hint, "PEFD_RUNTIME=gpu pefd setup");
  const reason = "libcufft.so.11: cannot open shared object file";
  const broken = gpuCheck({ ...situation, probe: { ...found, reason } });
  assert.equal(broken.ok, false);
  assert.match(broken.detail, /NOT USED.*libcufft\.so\.11/);
});

test("a GPU that cannot be used is not ready, even if TensorFlow takes it", () => {
  const outlook = { state: "unfit", why: "H100 has driver 535", hint: "Bring a newer." } as const;
  const check = gpuCheck({ ...situation, outlook, probe: { ...found, usesGpu: true } });
  assert.deepEqual([check.ok, check.required, check.hint], [false, true, "Bring a newer."]);
  const doubtful = gpuCheck({ ...situation, outlook: { ...outlook, state: "doubtful" } });
  assert.deepEqual([doubtful.ok, doubtful.required], [false, false]);
});

test("no GPU, or one that PEFD_RUNTIME=cpu leaves alone, is fine", () => {
  const none = { state: "none", why: "no GPU found" } as const;
  assert.equal(gpuCheck({ ...situation, outlook: none }).ok, true);
  assert.equal(gpuCheck({ ...situation, kind: "cpu", requested: "cpu" }).ok, true);
});

test("the libraries that serve are listed, one that is missing is named", () => {
  const libraries = [
    {
      name: "libcudart.so.12",
      file: "/tree/nvidia/cuda_runtime/lib/libcudart.so.12",
      version: 12090,
    },
    { name: "libcudnn.so.9", file: "/opt/libcudnn.so.9", version: 92800 },
  ];
  const whole = gpuLibrariesCheck({ libraries, missing: [] }, "/tree", 12080);
  assert.equal(whole.ok, true);
  assert.match(whole.detail, /^CUDA 12\.9 \(the driver supports 12\.8\), cuDNN 9\.28\.0/);
  assert.deepEqual(whole.lines, [
    "libcudart.so.12  nvidia/cuda_runtime/lib/libcudart.so.12",
    "libcudnn.so.9    /opt/libcudnn.so.9",
  ]);
  const missing = ["libcufft.so.11: cannot open shared object file"];
  const broken = gpuLibrariesCheck({ libraries, missing }, "/tree");
  assert.deepEqual([broken.ok, broken.required, broken.detail], [false, true, missing[0]]);
});

test("TensorFlow's own log tells which library it could not load", () => {
  const log = `
I0000 00:00:1795577665.435670   10658 dso_loader.cc:144] Could not load dynamic library 'libcusolver.so.11'; dlerror: libcusolver.so.11: cannot open shared object file: No such file or directory; LD_LIBRARY_PATH: /fake
W0000 00:00:1795577665.460531   10658 gpu_device.cc:2365] Cannot dlopen some GPU libraries. Please make sure
Skipping registering GPU devices...`;
  assert.equal(gpuReason(log), "libcusolver.so.11: cannot open shared object file: No such file or directory");
  const initialization = "E0000 x.cc:1] failed call to cuInit: CUDA_ERROR_UNKNOWN: unknown error";
  assert.match(gpuReason(initialization), /^failed call to cuInit: CUDA_ERROR_UNKNOWN/);
  assert.equal(gpuReason("nothing of the kind"), "");
});
