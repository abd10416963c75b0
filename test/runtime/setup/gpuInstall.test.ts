import assert from "node:assert/strict";
import { readFileSync, readlinkSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { PefdError } from "#pefd/common/errors.js";
import { installRuntime } from "#pefd/runtime/setup/setUp.js";
import { WHEELS } from "#pefd/runtime/setup/wheels.js";
import type { FakeMachine } from "../fakeMachine.js";
import { DOWNLOAD, isReady, onMachine } from "./onMachine.js";

/** A machine with a GPU: the CUDA driver lists it. */
const DRIVER = (driver: string, capability: string) => ({
  FAKE_CUDA: JSON.stringify({
    library: `/usr/lib/libcuda.so.${driver}`,
    cuda: 13000,
    devices: [{ name: "NVIDIA GPU", capability, memory: 2 ** 34, uuid: "GPU-1", bus: "0:1" }],
  }),
});
const H100 = DRIVER("580.82.07", "9.0");

async function onGpuMachine(work: (machine: FakeMachine) => Promise<void>): Promise<void> {
  await onMachine((machine) => {
    const env = { ...machine.settings.env, ...H100 };
    return work({ ...machine, settings: { ...machine.settings, env } });
  });
}

test("where there is a GPU, its wheels are taken and lie where the libraries look", () =>
  onGpuMachine(async (machine) => {
    const { FAKE_CUDA: _, ...without } = machine.settings.env;
    await installRuntime({ ...machine.settings, env: without });
    assert.equal(isReady(machine), false, "the CPU runtime is not enough any more");
    await installRuntime(machine.settings);
    assert.equal(isReady(machine), true);
    const deps = join(machine.packageFolder, "deps");
    const beside = (file: string) => join(deps, "lib/../nvidia", file);
    assert.equal(readFileSync(beside("cublas/lib/libcublas.so.12"), "utf8"), "cublas");
    assert.equal(readFileSync(beside("cuda_runtime/lib/libcuda_runtime.so.12"), "utf8"), "cuda_runtime");
    assert.equal(
      readFileSync(beside("cusparse/lib/libcusolver.so.11"), "utf8"),
      "cusolver",
      "the libraries do not look in cusolver's own folder",
    );
    assert.equal(statSync(beside("cuda_nvcc/bin/ptxas")).mode & 0o100, 0o100, "ptxas can be run");
    const downloads = machine.log().filter((line) => line.startsWith("download"));
    assert.equal(downloads.length, 1 + WHEELS.gpu.length);
  }));

test("a library that TensorFlow cannot open is named, and so is what to do", () =>
  onGpuMachine(async (machine) => {
    const env = { ...machine.settings.env, FAKE_MISSING: "libcufft.so.11" };
    await assert.rejects(installRuntime({ ...machine.settings, env }), (error: PefdError) => {
      assert.match(error.message, /libcufft\.so\.11: cannot open shared object file/);
      assert.match(error.hint ?? "", /LD_LIBRARY_PATH.*pefd setup/);
      return error.exitCode === 3;
    });
  }));

test("an interrupted GPU setup goes on with the wheels that are missing", () =>
  onGpuMachine(async (machine) => {
    await installRuntime(machine.settings);
    const tree = readlinkSync(join(machine.packageFolder, "deps"));
    rmSync(join(tree, "nvidia/cudnn"), { recursive: true });
    const before = machine.log().length;
    await installRuntime(machine.settings);
    assert.deepEqual(machine.log().slice(before), ["download nvidia-cudnn-cu12"]);
  }));

test("a GPU runtime of an earlier setup gets its missing link without a download", () =>
  onGpuMachine(async (machine) => {
    await installRuntime(machine.settings);
    const tree = readlinkSync(join(machine.packageFolder, "deps"));
    rmSync(join(tree, "nvidia/cusparse/lib/libcusolver.so.11"));
    assert.equal(isReady(machine), false);
    const before = machine.log().length;
    await installRuntime(machine.settings);
    assert.equal(isReady(machine), true);
    assert.deepEqual(machine.log().slice(before), []);
  }));

test("PEFD_RUNTIME overrides what the machine has, both ways", () =>
  onGpuMachine(async (machine) => {
    const cpu = { ...machine.settings, env: { ...machine.settings.env, PEFD_RUNTIME: "cpu" } };
    await installRuntime(cpu);
    assert.deepEqual(machine.log(), [DOWNLOAD, "build"]);
    assert.equal(isReady(machine, { PEFD_RUNTIME: "cpu" }), true);
    assert.equal(isReady(machine, { FAKE_CUDA: undefined }), true);
    assert.equal(isReady(machine, { FAKE_CUDA: undefined, PEFD_RUNTIME: "gpu" }), false);
  }));

/** GPUs that cannot be used, with what is to be said before anything is downloaded. */
const UNFIT: Record<string, [Record<string, string>, RegExp, RegExp]> = {
  "too old a driver": [DRIVER("535.104.05", "9.0"), /driver 535.*555/, /driver to 555/],
  "too old a GPU": [DRIVER("580.82.07", "5.2"), /compute capability 5\.2.*7\.5/, /newer GPU/],
  "too new a GPU": [DRIVER("700.1", "13.0"), /compute capability 13\.0.*12\.1/, /another GPU/],
  "a driver that fails": [
    { FAKE_CUDA: '{"error":"cuInit failed: CUDA_ERROR_UNKNOWN","code":999}' },
    /found the NVIDIA driver, but cuInit failed/,
    /nvidia_uvm/,
  ],
};

for (const [name, [gpu, message, hint]] of Object.entries(UNFIT)) {
  test(`${name}: said before anything is downloaded, and what to do`, () =>
    onMachine(async (machine) => {
      const said: string[] = [];
      const env = { ...machine.settings.env, ...gpu };
      const settings = { ...machine.settings, env, onPhase: (text: string) => said.push(text) };
      await assert.rejects(installRuntime(settings), (error: PefdError) => {
        assert.match(error.message, message);
        assert.match(error.hint ?? "", hint);
        assert.match(error.hint ?? "", /PEFD_RUNTIME=cpu pefd setup/);
        return error.exitCode === 3;
      });
      assert.deepEqual(machine.log(), []);
      await installRuntime({ ...settings, env: { ...env, PEFD_RUNTIME: "gpu" } });
      assert.match(said.join("\n"), /^warning: No GPU is usable: .*anyway/m);
      await installRuntime({ ...settings, env: { ...env, PEFD_RUNTIME: "cpu" } });
      assert.equal(isReady(machine, gpu), true, "the processor's will do where the GPU cannot be used");
    }));
}

test("a GPU whose kernels are compiled at first use is taken, and that is said", () =>
  onMachine(async (machine) => {
    const said: string[] = [];
    const env = { ...machine.settings.env, ...DRIVER("580.82.07", "12.0") };
    await installRuntime({ ...machine.settings, env, onPhase: (text) => said.push(text) });
    assert.match(said.join("\n"), /^NVIDIA GPU: TensorFlow has no binary kernels.*30 minutes/m);
  }));
