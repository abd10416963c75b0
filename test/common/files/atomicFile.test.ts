import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { type FileHandle, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, type TestContext, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { removeStaleTemporaryFiles, replaceTogether, writeFileAtomic } from "#pefd/common/files/atomicFile.js";

let folder = "";
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "pefd-atomic-"));
});
after(() => rm(folder, { recursive: true, force: true }));

test("text and bytes arrive whole, replace what was there, and leave nothing else", async () => {
  const dir = join(folder, "plain");
  await mkdir(dir);
  await writeFileAtomic(join(dir, "a.txt"), "first");
  await writeFileAtomic(join(dir, "a.txt"), "second");
  await writeFileAtomic(join(dir, "b.bin"), Uint8Array.of(1, 2, 3));
  assert.equal(await readFile(join(dir, "a.txt"), "utf8"), "second");
  assert.deepEqual([...(await readFile(join(dir, "b.bin")))], [1, 2, 3]);
  assert.deepEqual((await readdir(dir)).sort(), ["a.txt", "b.bin"]);
});

/** What a write did, in order: which file was synced, and what stood at its place then. */
async function syncsOf(t: TestContext, dir: string, write: () => Promise<void>): Promise<string[]> {
  const handle = await open(dir);
  const prototype = Object.getPrototypeOf(handle);
  await handle.close();
  const { sync } = prototype;
  const seen: string[] = [];
  t.mock.method(prototype, "sync", async function (this: FileHandle) {
    const path = readlinkSync(`/proc/self/fd/${this.fd}`);
    const names = readdirSync(dir).filter((name) => !name.startsWith("."));
    const content = names.map((name) => `${name}=${readFileSync(join(dir, name), "utf8")}`);
    const kind = path === dir ? "folder" : `${readFileSync(path, "utf8")} in a temporary file`;
    seen.push(`${kind}; ${content.join()}`);
    return sync.call(this);
  });
  await write();
  return seen;
}

test("content is on the disk before it takes its place, and its place before the write is over", async (t) => {
  const dir = join(folder, "durable");
  await mkdir(dir);
  await writeFile(join(dir, "a"), "old");
  assert.deepEqual(await syncsOf(t, dir, () => writeFileAtomic(join(dir, "a"), "new")), [
    "new in a temporary file; a=old",
    "folder; a=new",
  ]);
});

test("files that belong together: the last one is away until the others are in place", async (t) => {
  const dir = join(folder, "together");
  await mkdir(dir);
  for (const name of ["a", "b"]) await writeFile(join(dir, name), "old");
  const files = ["a", "b"].map((name) => [join(dir, name), `new ${name}`] as const);
  assert.deepEqual(await syncsOf(t, dir, () => replaceTogether(files)), [
    "new a in a temporary file; a=old,b=old",
    "new b in a temporary file; a=old,b=old",
    "folder; a=old",
    "folder; a=new a",
    "folder; a=new a,b=new b",
  ]);
});

test("a folder that does not exist is the user's mistake: exit 2, named", async () => {
  const path = join(folder, "nowhere", "x.txt");
  await assert.rejects(writeFileAtomic(path, "x"), (error) => {
    assert.ok(error instanceof PefdError);
    assert.equal(error.exitCode, 2);
    assert.ok(error.message.includes(path) && error.message.includes("does not exist"));
    return true;
  });
});

test("a write that fails at the rename leaves the old state and no temporary file", async () => {
  const dir = join(folder, "taken");
  await mkdir(join(dir, "x.txt"), { recursive: true });
  await assert.rejects(writeFileAtomic(join(dir, "x.txt"), "x"), PefdError);
  assert.deepEqual(await readdir(dir), ["x.txt"]);
});

test("a full disk fails the run (exit 1), keeps the old file, leaves no temporary file", async (t) => {
  const dir = join(folder, "full");
  await mkdir(dir);
  const mounted = spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "pefd-test", dir]);
  if (mounted.status !== 0) return t.skip("a tmpfs cannot be mounted here (needs root)");
  try {
    const path = join(dir, "x.bin");
    await writeFileAtomic(path, "old");
    await assert.rejects(writeFileAtomic(path, new Uint8Array(1 << 20)), (error) => {
      assert.ok(error instanceof PefdError);
      assert.equal(error.exitCode, 1);
      assert.equal(error.message, `${path} could not be written: the disk is full. The previous file is intact.`);
      return true;
    });
    assert.equal(await readFile(path, "utf8"), "old");
    assert.deepEqual(await readdir(dir), ["x.bin"]);
    await readOnlyIsExplained(dir, path);
  } finally {
    spawnSync("umount", [dir]);
  }
});

async function readOnlyIsExplained(dir: string, path: string): Promise<void> {
  assert.equal(spawnSync("mount", ["-o", "remount,ro", dir]).status, 0);
  await assert.rejects(writeFileAtomic(path, "new"), /read-only.*is intact/);
  assert.equal(await readFile(path, "utf8"), "old");
}

test("stale temporary files go, everything else stays", async () => {
  const dir = join(folder, "stale");
  await mkdir(dir);
  for (const name of [".a.safetensors.0123456789ab.pefd-tmp", "keep.pefd-tmp", ".hidden", "a.txt"])
    await writeFile(join(dir, name), "");
  assert.deepEqual(await removeStaleTemporaryFiles(dir), [".a.safetensors.0123456789ab.pefd-tmp"]);
  assert.deepEqual((await readdir(dir)).sort(), [".hidden", "a.txt", "keep.pefd-tmp"]);
  assert.deepEqual(await removeStaleTemporaryFiles(join(dir, "nowhere")), []);
});
