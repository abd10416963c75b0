import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { askCuda, openLibraries } from "#pefd/runtime/gpu/probeProgram.js";
import { surveyGpus } from "#pefd/runtime/gpu/survey.js";
import { dependencies, gpuProbeFile, packageDirectory } from "#pefd/runtime/paths.js";

// A CUDA driver and a library that compute nothing, for the real probe to find.

const DRIVER = `
#include <stdlib.h>
#include <string.h>
static int number(const char* name, int other) { return getenv(name) ? atoi(getenv(name)) : other; }
int cuInit(unsigned flags) { return number("STUB_INIT", 0); }
int cuDriverGetVersion(int* version) { *version = 12080; return 0; }
int cuGetErrorName(int code, const char** name) { *name = "CUDA_ERROR_UNKNOWN"; return 0; }
int cuDeviceGetCount(int* count) { if (number("STUB_CRASH", 0)) abort(); *count = 2; return 0; }
int cuDeviceGet(int* device, int ordinal) { *device = ordinal; return 0; }
int cuDeviceGetName(char* name, int size, int device) { strcpy(name, device ? "Tesla \\"T4\\"" : getenv("STUB_NAME") ? getenv("STUB_NAME") : "NVIDIA H100"); return 0; }
int cuDeviceGetAttribute(int* value, int attribute, int device) {
  *value = attribute == 75 ? (device ? 7 : 9) : (device ? 5 : 0);
  return 0;
}
int cuDeviceTotalMem_v2(size_t* bytes, int device) { *bytes = (device ? 16ul : 80ul) << 30; return 0; }
int cuDeviceGetUuid_v2(unsigned char* uuid, int device) { memset(uuid, 0xa0 + device, 16); return 0; }
int cuDeviceGetPCIBusId(char* bus, int size, int device) { strcpy(bus, "0000:01:00.0"); return 0; }
`;
const RUNTIME = "int cudaRuntimeGetVersion(int* version) { *version = 12090; return 0; }";

const folder = mkdtempSync(join(tmpdir(), "pefd-probe-"));
const env = { PATH: process.env.PATH, LD_LIBRARY_PATH: folder };
const packageFolder = packageDirectory() ?? "";

function library(name: string, source: string): void {
  writeFileSync(join(folder, "source.c"), source);
  const words = ["-w", "-shared", "-fPIC", `-Wl,-soname,${name}`, "-o", join(folder, name)];
  execFileSync("gcc", [...words, join(folder, "source.c")]);
}

before(() => {
  library("libcuda.so.1", DRIVER);
  library("libcudart.so.12", RUNTIME);
});
after(() => rmSync(folder, { recursive: true }));

test("the CUDA driver tells its GPUs", () => {
  const answer = askCuda(env);
  assert.equal(answer?.library, join(folder, "libcuda.so.1"));
  assert.equal(answer?.cuda, 12080);
  assert.deepEqual(answer?.devices?.[0], {
    name: "NVIDIA H100",
    capability: "9.0",
    memory: 80 * 2 ** 30,
    uuid: "GPU-a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0",
    bus: "0000:01:00.0",
  });
  assert.equal(answer?.devices?.[1]?.name, 'Tesla "T4"');
});

test("a part of a GPU has a MIG identifier", () => {
  const [part] = askCuda({ ...env, STUB_NAME: "NVIDIA A100-SXM4-40GB MIG 1g.5gb" })?.devices ?? [];
  assert.equal(part?.uuid, "MIG-a0a0a0a0-a0a0-a0a0-a0a0-a0a0a0a0a0a0");
});

test("a driver that fails, one that crashes and none at all are told apart", () => {
  const failing = askCuda({ ...env, STUB_INIT: "999" });
  assert.deepEqual([failing?.error, failing?.code], ["cuInit failed: CUDA_ERROR_UNKNOWN", 999]);
  assert.match(askCuda({ ...env, STUB_CRASH: "1" })?.error ?? "", /crashed.*SIGABRT/);
  const { LD_LIBRARY_PATH: _, ...without } = env;
  const found = askCuda(without);
  if (found?.devices === undefined) assert.notEqual(found?.error, undefined);
});

test("a survey needs no nvidia-smi where the CUDA driver answers", () => {
  const { gpus, answered, smiProblem } = surveyGpus({ ...env, PATH: "/nowhere" });
  assert.deepEqual([gpus.length, answered, smiProblem], [2, true, "nvidia-smi is missing"]);
  assert.equal(gpus[1]?.capability, "7.5");
});

test("libraries are opened from where TensorFlow looks; those that are missing are named", () => {
  const names = ["libcudart.so.12", "libpefd_nowhere.so.3"];
  const tree = dependencies(packageFolder);
  const answers = openLibraries(env, gpuProbeFile(packageFolder), tree, names);
  assert.ok(typeof answers !== "string", String(answers));
  assert.deepEqual(answers[0], {
    name: "libcudart.so.12",
    file: join(folder, "libcudart.so.12"),
    version: 12090,
  });
  assert.match(answers[1]?.error ?? "", /^libpefd_nowhere\.so\.3: cannot open shared object file/);
  const nowhere = openLibraries(env, gpuProbeFile(packageFolder), folder, names);
  assert.match(String(nowhere), /libtensorflow_cc/);
});
