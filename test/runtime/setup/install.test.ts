import assert from "node:assert/strict";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { installRuntime, runtimeIsReady } from "#pefd/runtime/setup/setUp.js";
import type { FakeMachine } from "../fakeMachine.js";
import { BINDING, DOWNLOAD, isReady, onMachine } from "./onMachine.js";

test("a setup brings the library, the links and the binding, and nothing else", () =>
  onMachine(async (machine) => {
    assert.equal(isReady(machine), false);
    await installRuntime(machine.settings);
    assert.equal(isReady(machine), true);
    const deps = join(machine.packageFolder, "deps");
    assert.equal(readFileSync(join(deps, "lib/libtensorflow.so"), "utf8"), "cc of tensorflow-cpu");
    assert.equal(readFileSync(join(deps, "lib/libtensorflow_framework.so"), "utf8"), "framework of tensorflow-cpu");
    assert.deepEqual(readdirSync(join(deps, "include")), ["tensorflow"]);
    assert.equal(existsSync(join(machine.cache, "scratch", "wheel")), false);
    assert.deepEqual(readdirSync(join(machine.cache, "scratch")), [], "downloads and half-built things are gone");
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

const RECORD = "lib/napi-v8/compiled.json";

/** A file of the one folder of compiled files that a machine's cache keeps. */
function keptIn({ cache }: FakeMachine, name: string): string {
  const bindings = join(cache, "runtime/bindings");
  return join(bindings, readdirSync(bindings)[0] ?? "", name);
}

/** What a setup may find, and what it has to do about it. */
const DAMAGE: Record<string, [(machine: FakeMachine, tree: string) => void, string[]]> = {
  "a library of a wrong size": [(_, tree) => truncateSync(join(tree, "lib/libtensorflow_cc.so.2"), 3), [DOWNLOAD]],
  "a missing header": [(_, tree) => rmSync(join(tree, "include/tensorflow/c/c_api.h")), [DOWNLOAD]],
  "a record of a wheel cut short": [
    (_, tree) => truncateSync(join(tree, ".wheels/tensorflow-cpu.json"), 20),
    [DOWNLOAD],
  ],
  "a record of another wheel": [
    (_, tree) => writeFileSync(join(tree, ".wheels/tensorflow-cpu.json"), '{"sha256":"0","files":[]}'),
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
  "a missing module of our own ops": [(machine) => rmSync(join(machine.packageFolder, "lib/napi-v8/own_ops.node")), []],
  "a record of compiled files that is gone": [(machine) => rmSync(join(machine.packageFolder, RECORD)), []],
  "a record of compiled files cut short": [(machine) => truncateSync(join(machine.packageFolder, RECORD), 20), []],
  "a kept module cut short": [(machine) => truncateSync(keptIn(machine, "own_ops.node"), 3), ["build"]],
  "a changed byte in a kept module": [
    (machine) => writeFileSync(keptIn(machine, "own_ops.node"), "a nodule"),
    ["build"],
  ],
  "files kept by an earlier version, without a record": [
    (machine) => rmSync(keptIn(machine, "compiled.json")),
    ["build"],
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
    await installRuntime(machine.settings);
    assert.equal(isReady(machine), true);
  }));

test("with a folder of its own for what is compiled, a package stays as it is", () =>
  onMachine(async (machine) => {
    const nativeFolder = join(machine.cache, "runtime/installed/one");
    const before = readdirSync(machine.packageFolder, { recursive: true });
    chmodSync(machine.packageFolder, 0o555);
    await installRuntime({ ...machine.settings, nativeFolder });
    assert.deepEqual(readdirSync(machine.packageFolder, { recursive: true }), before);
    assert.equal(isReady(machine), false, "the package's own folder");
    assert.equal(runtimeIsReady(machine.packageFolder, machine.settings.env, nativeFolder), true);
    assert.deepEqual(machine.log(), [DOWNLOAD, "build"]);
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

test("on another system setup says what pefd is for", () =>
  onMachine(async (machine) => {
    const node = { ...machine.settings.node, platform: "darwin", arch: "arm64" };
    const refused = { exitCode: 3, message: /Linux on x86-64; this is darwin arm64/ };
    await assert.rejects(installRuntime({ ...machine.settings, node }), refused);
    assert.deepEqual(machine.log(), []);
  }));

test("a setup that ends while it puts compiled files in their place leaves no record beside them", () =>
  onMachine(async (machine) => {
    await installRuntime(machine.settings);
    const module = join(machine.packageFolder, "lib/napi-v8/own_ops.node");
    rmSync(module);
    mkdirSync(`${module}.new`); // in the way of the copy
    await assert.rejects(installRuntime(machine.settings));
    assert.equal(existsSync(join(machine.packageFolder, RECORD)), false);
    rmSync(`${module}.new`, { recursive: true });
    await installRuntime(machine.settings);
    assert.equal(isReady(machine), true);
  }));
