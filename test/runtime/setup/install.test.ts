import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { installRuntime, runtimeIsReady } from "#pefd/runtime/setup/install.js";
import { WHEELS } from "#pefd/runtime/setup/wheels.js";
import { type FakeMachine, fakeMachine } from "../fakeMachine.js";

const BINDING = "lib/napi-v8/tfjs_binding.node";
const DOWNLOAD = "download tensorflow-cpu";

const isReady = ({ packageFolder, settings }: FakeMachine, more = {}): boolean =>
  runtimeIsReady(packageFolder, { ...settings.env, ...more });

async function onMachine(
  work: (machine: FakeMachine) => Promise<void>,
  loads?: () => boolean,
): Promise<void> {
  const machine = fakeMachine(loads);
  try {
    await work(machine);
  } finally {
    machine.remove();
  }
}

test("a set-up brings the library, the links and the binding, and nothing else", () =>
  onMachine(async (machine) => {
    assert.equal(isReady(machine), false);
    assert.equal(await installRuntime(machine.settings), true);
    assert.equal(isReady(machine), true);
    const deps = join(machine.packageFolder, "deps");
    assert.equal(readFileSync(join(deps, "lib/libtensorflow.so"), "utf8"), "cc of tensorflow-cpu");
    assert.equal(
      readFileSync(join(deps, "lib/libtensorflow_framework.so"), "utf8"),
      "framework of tensorflow-cpu",
    );
    assert.deepEqual(readdirSync(join(deps, "include")), ["tensorflow"]);
    assert.equal(existsSync(join(machine.cache, "scratch", "wheel")), false);
    assert.deepEqual(
      readdirSync(join(machine.cache, "scratch")),
      [],
      "downloads and half-built things are gone",
    );
    assert.deepEqual(machine.log(), [DOWNLOAD, "build"]);
  }));

test("a second clone with the same cache neither downloads nor compiles", () =>
  onMachine(async (machine) => {
    await installRuntime(machine.settings);
    rmSync(join(machine.packageFolder, "deps"));
    rmSync(join(machine.packageFolder, "lib"), { recursive: true });
    await installRuntime(machine.settings);
    assert.equal(isReady(machine), true);
    assert.deepEqual(machine.log(), [DOWNLOAD, "build"]);
  }));

/** What a set-up may find, and what it has to do about it. */
const DAMAGE: Record<string, [(machine: FakeMachine, tree: string) => void, string[]]> = {
  "a library of a wrong size": [
    (_, tree) => truncateSync(join(tree, "lib/libtensorflow_cc.so.2"), 3),
    [DOWNLOAD],
  ],
  "a missing header": [(_, tree) => rmSync(join(tree, "include/tensorflow/c/c_api.h")), [DOWNLOAD]],
  "a record of a wheel cut short": [
    (_, tree) => truncateSync(join(tree, ".wheels/tensorflow-cpu.json"), 20),
    [DOWNLOAD],
  ],
  "a record of another wheel": [
    (_, tree) =>
      writeFileSync(join(tree, ".wheels/tensorflow-cpu.json"), '{"sha256":"0","files":[]}'),
    [DOWNLOAD],
  ],
  "an empty cache": [(machine) => rmSync(machine.cache, { recursive: true }), [DOWNLOAD, "build"]],
  "a missing link in the tree": [(_, tree) => rmSync(join(tree, "lib/libtensorflow.so")), []],
  "a folder in place of the package's link": [
    (machine) => {
      rmSync(join(machine.packageFolder, "deps"));
      mkdirSync(join(machine.packageFolder, "deps/lib"), { recursive: true });
    },
    [],
  ],
  "a binding cut short": [(machine) => truncateSync(join(machine.packageFolder, BINDING), 4), []],
  "a missing module that silences the log": [
    (machine) => rmSync(join(machine.packageFolder, "lib/napi-v8/log_level.node")),
    [],
  ],
  "a missing module of our convolutions": [
    (machine) => rmSync(join(machine.packageFolder, "lib/napi-v8/convolutions.node")),
    [],
  ],
  "a missing binding": [(machine) => rmSync(join(machine.packageFolder, BINDING)), []],
  "a kept binding that is gone": [
    (machine) => rmSync(join(machine.cache, "runtime/bindings"), { recursive: true }),
    ["build"],
  ],
};

for (const [damage, [inflict, repairs]] of Object.entries(DAMAGE)) {
  test(`${damage} is noticed and repaired`, () =>
    onMachine(async (machine) => {
      await installRuntime(machine.settings);
      const before = machine.log().length;
      inflict(machine, readlinkSync(join(machine.packageFolder, "deps")));
      assert.equal(isReady(machine), false);
      await installRuntime(machine.settings);
      assert.equal(isReady(machine), true);
      assert.deepEqual(machine.log().slice(before), repairs);
    }));
}

test("what lies in the cache is used even where pip is gone", () =>
  onMachine(async (machine) => {
    await installRuntime(machine.settings);
    machine.program("python3", "process.exit(1)");
    rmSync(join(machine.packageFolder, "deps"));
    assert.equal(await installRuntime(machine.settings), true);
    assert.equal(isReady(machine), true);
  }));

test("a kept binding that does not load is compiled again", async () => {
  let tries = 0;
  await onMachine(
    async (machine) => {
      await installRuntime(machine.settings);
      tries = -1;
      rmSync(join(machine.packageFolder, BINDING));
      await installRuntime(machine.settings);
      assert.deepEqual(machine.log(), [DOWNLOAD, "build", "build"]);
    },
    () => tries++ !== -1,
  );
});

test("a library that never loads ends in a sentence with the reason", () =>
  onMachine(
    async (machine) => {
      await assert.rejects(
        installRuntime(machine.settings),
        (error: PefdError) => error.exitCode === 3 && /undefined symbol/.test(error.message),
      );
    },
    () => false,
  ));

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
    assert.equal(
      readFileSync(beside("cuda_runtime/lib/libcuda_runtime.so.12"), "utf8"),
      "cuda_runtime",
    );
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
      assert.match(error.hint ?? "", /LD_LIBRARY_PATH.*npm run setup/);
      return error.exitCode === 3;
    });
  }));

test("an interrupted GPU set-up goes on with the wheels that are missing", () =>
  onGpuMachine(async (machine) => {
    await installRuntime(machine.settings);
    const tree = readlinkSync(join(machine.packageFolder, "deps"));
    rmSync(join(tree, "nvidia/cudnn"), { recursive: true });
    const before = machine.log().length;
    await installRuntime(machine.settings);
    assert.deepEqual(machine.log().slice(before), ["download nvidia-cudnn-cu12"]);
  }));

test("a GPU runtime of an earlier set-up gets its missing link without a download", () =>
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
    /NVIDIA's driver is there, but cuInit failed/,
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
        assert.match(error.hint ?? "", /PEFD_RUNTIME=cpu npm run setup/);
        return error.exitCode === 3;
      });
      assert.deepEqual(machine.log(), []);
      await installRuntime({ ...settings, env: { ...env, PEFD_RUNTIME: "gpu" } });
      assert.match(said.join("\n"), /^No GPU can be used as things are: .*all the same/m);
      await installRuntime({ ...settings, env: { ...env, PEFD_RUNTIME: "cpu" } });
      assert.equal(
        isReady(machine, gpu),
        true,
        "the processor's will do where the GPU cannot be used",
      );
    }));
}

test("a GPU whose kernels are compiled at first use is taken, and that is said", () =>
  onMachine(async (machine) => {
    const said: string[] = [];
    const env = { ...machine.settings.env, ...DRIVER("580.82.07", "12.0") };
    await installRuntime({ ...machine.settings, env, onPhase: (text) => said.push(text) });
    assert.match(said.join("\n"), /^NVIDIA GPU: TensorFlow brings no machine code.*30 minutes/m);
  }));

/** What can be missing on a machine, and what the sentence about it must say. */
const TROUBLE: Record<string, [(machine: FakeMachine) => void, RegExp, RegExp]> = {
  "no pip": [
    (machine) => machine.program("python3", "process.exit(1)"),
    /^Python 3 with pip did not answer .*install script .* failed: no network/,
    /apt install python3-pip/,
  ],
  "no compiler": [
    (machine) => machine.program("g++", "process.exit(1)"),
    /compiled, and g\+\+ did not answer/,
    /apt install make g\+\+/,
  ],
  "no network": [
    (machine) =>
      machine.program(
        "python3",
        "if (process.argv.includes('download')) { console.error('ERROR: No matching distribution found'); process.exit(1); }",
      ),
    /^tensorflow-cpu 2\.21\.0 \(274 MB\) could not be downloaded: ERROR: No matching distribution/,
    /network/,
  ],
  "a full disk": [
    (machine) =>
      machine.program(
        "python3",
        "if (process.argv.includes('download')) { console.error('ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device'); process.exit(1); }",
      ),
    /could not be downloaded: .*No space left on device/,
    /^Make room, or let PEFD_CACHE name/,
  ],
  "another file than the pinned one": [
    (machine) =>
      machine.program(
        "python3",
        "if (process.argv.includes('download')) { console.error('ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.'); process.exit(1); }",
      ),
    /not the pinned one; it was not used/,
    /pip config list/,
  ],
  "sources that do not compile": [
    (machine) =>
      writeFileSync(
        join(machine.packageFolder, "node_modules/@mapbox/node-pre-gyp/bin/node-pre-gyp"),
        "console.error('x.cc:1:2: error: no such type'); process.exit(1);",
      ),
    /did not compile: x\.cc:1:2: error: no such type/,
    /make, g\+\+/,
  ],
};

for (const [name, [inflict, message, hint]] of Object.entries(TROUBLE)) {
  test(`${name}: one sentence, what to do next, exit code 3`, () =>
    onMachine(async (machine) => {
      inflict(machine);
      await assert.rejects(installRuntime(machine.settings), (error) => {
        assert.ok(error instanceof PefdError);
        assert.match(error.message, message);
        assert.match(error.hint ?? "", hint);
        assert.equal(error.exitCode, 3);
        return true;
      });
      assert.equal(isReady(machine), false);
    }));
}

test("PEFD_RUNTIME with another word is refused as a mistake of the user", () =>
  onMachine(async (machine) => {
    const env = { ...machine.settings.env, PEFD_RUNTIME: "tpu" };
    await assert.rejects(
      installRuntime({ ...machine.settings, env }),
      (error: PefdError) => error.exitCode === 2 && /PEFD_RUNTIME is tpu/.test(error.message),
    );
  }));

const OWN_SCRIPT = `
const fs = require("fs");
for (const folder of ["deps/lib", "lib/napi-v8"]) fs.mkdirSync(folder, { recursive: true });
fs.writeFileSync("lib/napi-v8/tfjs_binding.node", process.argv.slice(2).join(" "));
`;

test("on another system the package's own install script serves", () =>
  onMachine(async (machine) => {
    writeFileSync(join(machine.packageFolder, "scripts/install.js"), OWN_SCRIPT);
    const node = { ...machine.settings.node, platform: "darwin", arch: "arm64" };
    assert.equal(await installRuntime({ ...machine.settings, node }), false);
    assert.equal(isReady(machine), true);
    assert.equal(readFileSync(join(machine.packageFolder, BINDING), "utf8"), "gpu download");
    assert.deepEqual(machine.log(), []);
  }));
