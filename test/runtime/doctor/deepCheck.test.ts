import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { writeCompiled } from "#pefd/runtime/compiledFiles.js";
import { filesCheck } from "#pefd/runtime/doctor/doctor.js";
import { compiledRecord, ownModuleFile } from "#pefd/runtime/paths.js";
import { type UnpackedFile, unpack } from "#pefd/runtime/setup/files.js";
import { addToTree, treeDirectory } from "#pefd/runtime/setup/tree.js";
import { WHEELS } from "#pefd/runtime/setup/wheels.js";
import { zipOf } from "../../checkpoint/pthFiles.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

/** A runtime of some small files for each wheel, set up as setup does it. */
async function setUp(t: TestContext, change = (file: UnpackedFile): UnpackedFile => file, parts = ["one", "two"]) {
  const cache = temporaryFolder(t);
  const tree = treeDirectory(cache, "cpu");
  for (const wheel of WHEELS.cpu) {
    const folder = join(cache, wheel.project);
    mkdirSync(folder);
    const names = parts.map((name) => `lib/${wheel.project}_${name}.so`);
    const archive = join(folder, "wheel.zip");
    writeFileSync(archive, await zipOf(names.map((name) => [name, Buffer.from(name)])));
    const files = await unpack(archive, join(folder, "unpacked"), (member) => member);
    await addToTree(tree, wheel, join(folder, "unpacked"), files.map(change));
  }
  return { tree, kind: "cpu", cache } as const;
}

test("setup writes down what it unpacked, and an untouched runtime is that", async (t) => {
  const linked = await setUp(t);
  const { ok, detail } = await filesCheck(linked);
  assert.deepEqual([ok, detail.replace(/^\d+/, "N")], [true, "N files, 0.0 GB, all checksums match"]);
  const [wheel] = WHEELS.cpu;
  const manifest = JSON.parse(readFileSync(join(linked.tree, `.wheels/${wheel?.project}.json`), "utf8"));
  const [{ path, sha256 }] = manifest.files;
  assert.equal(sha256, createHash("sha256").update(path).digest("hex"));
});

test("one changed bit, which changes no size, is found and named, and so is a file that is gone", async (t) => {
  const linked = await setUp(t);
  const [first, second] = ["one", "two"].map((name) => `lib/${WHEELS.cpu[0]?.project}_${name}.so`);
  const path = join(linked.tree, first ?? "");
  const bytes = readFileSync(path);
  bytes[3] = (bytes[3] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const { ok, required, detail, hint } = await filesCheck(linked);
  assert.deepEqual([ok, required, detail], [false, true, `changed since installation: ${first}`]);
  assert.match(hint ?? "", /^rm -r .*tensorflow-\S+-cpu, then: pefd setup$/);
  rmSync(join(linked.tree, second ?? ""));
  assert.equal((await filesCheck(linked)).detail, `changed since installation: ${first}, ${second}`);
});

test("a changed byte of a compiled file is found, which setup by itself mends", async (t) => {
  const linked = await setUp(t);
  const folder = join(linked.cache, "native");
  const file = ownModuleFile(folder);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, "a module");
  writeCompiled(compiledRecord(folder), ["own_ops.node"]);
  assert.equal((await filesCheck(linked, folder)).ok, true);
  writeFileSync(file, "a nodule");
  const { ok, required, detail, hint } = await filesCheck(linked, folder);
  assert.deepEqual([ok, required, hint], [false, true, "pefd setup"]);
  assert.equal(detail, "changed since installation: own_ops.node");
});

test("of many changed files ten are named", async (t) => {
  const parts = Array.from({ length: 11 }, (_, i) => `part${i}`);
  const linked = await setUp(t, (file) => file, parts);
  const paths = parts.map((part) => `lib/${WHEELS.cpu[0]?.project}_${part}.so`);
  for (const path of paths.slice(0, 10)) rmSync(join(linked.tree, path));
  const ten = `changed since installation: ${paths.slice(0, 10).join(", ")}`;
  assert.equal((await filesCheck(linked)).detail, ten);
  rmSync(join(linked.tree, paths[10] ?? ""));
  assert.equal((await filesCheck(linked)).detail, `${ten}, ...`);
});

test("a runtime without checksums is no failure, and it is said how to have them", async (t) => {
  const linked = await setUp(t, ({ path, bytes }) => ({ path, bytes }));
  const { ok, required, detail, hint } = await filesCheck(linked);
  assert.deepEqual([ok, required], [false, false]);
  assert.match(detail, /earlier version/);
  assert.match(hint ?? "", /pefd setup/);
  assert.equal((await filesCheck(undefined)).ok, true);
});
