import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { removeStaleTemporaryFiles, writeFileAtomic } from "#pefd/common/atomicFile.js";
import { PefdError } from "#pefd/common/errors.js";

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
      assert.equal(
        error.message,
        `${path} could not be written: the disk is full. The file that was there before is intact.`,
      );
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
