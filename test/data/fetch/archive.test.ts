import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { create, type WriteEntry } from "tar";
import type { PefdError } from "#pefd/common/errors.js";
import { unpackMembers } from "#pefd/data/fetch/fetchArchive.js";
import { temporaryFolder } from "../cifar/recordFiles.js";

const MEMBERS = ["folder/wanted.bin"];

interface Packed {
  readonly root: string;
  readonly archive: string;
  readonly target: string;
}

/** Packs folder/wanted.bin and folder/other.bin, the path of the latter replaced. */
function pack(t: TestContext, otherPath: string, makeOther = writeFileSync): Packed {
  const root = temporaryFolder(t);
  const [archive, target] = [join(root, "archive.tar.gz"), join(root, "out")];
  for (const folder of ["folder", "out"]) mkdirSync(join(root, folder));
  writeFileSync(join(root, "folder/wanted.bin"), "wanted");
  makeOther(join(root, "folder/other.bin"), "/etc/passwd");
  const onWriteEntry = (entry: WriteEntry) => {
    if (entry.path === "folder/other.bin") entry.path = otherPath;
  };
  const options = { cwd: root, file: archive, gzip: true, preservePaths: true, onWriteEntry };
  create({ ...options, sync: true }, ["folder/other.bin", "folder/wanted.bin"]);
  return { root, archive, target };
}

const isRefusal = (error: PefdError): boolean => error.exitCode === 1 && /is rejected: it contains/.test(error.message);

test("members not asked for stay packed", async (t) => {
  const { archive, target } = pack(t, "folder/unknown.bin");
  await unpackMembers(archive, MEMBERS, target);
  assert.deepEqual(readdirSync(join(target, "folder")), ["wanted.bin"]);
});

for (const path of ["../escaped.bin", "folder/../../escaped.bin", "/tmp/pefd-escaped.bin"]) {
  test(`an archive with the path ${path} is refused`, async (t) => {
    const { root, archive, target } = pack(t, path);
    await assert.rejects(unpackMembers(archive, MEMBERS, target), isRefusal);
    assert.ok(!existsSync(join(root, "escaped.bin")) && !existsSync("/tmp/pefd-escaped.bin"));
  });
}

test("a link is refused, also in place of a wanted member", async (t) => {
  const link = (path: string, to: string) => symlinkSync(to, path);
  const { archive, target } = pack(t, "folder/wanted.bin", link as typeof writeFileSync);
  await assert.rejects(unpackMembers(archive, MEMBERS, target), isRefusal);
  assert.deepEqual(readdirSync(target), []);
});

test("a damaged archive is a clear error", async (t) => {
  const { archive, target } = pack(t, "folder/unknown.bin");
  writeFileSync(archive, "no archive at all");
  await assert.rejects(unpackMembers(archive, MEMBERS, target), /archive\.tar\.gz cannot be unpacked/);
});
