import assert from "node:assert/strict";
import { mkdirSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { trimPrograms } from "#pefd/runtime/prepare.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

/** A file of 100 bytes that was used so many seconds after 1970. */
function file(folder: string, name: string, used: number): void {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, name);
  writeFileSync(path, Buffer.alloc(100));
  utimesSync(path, used, used);
}

const left = (root: string): string[] => readdirSync(root, { recursive: true }).map(String).sort();

test("compiled programs beyond the limit are removed, those not used for longest first, on all devices together", (t) => {
  const root = temporaryFolder(t);
  file(join(root, "H100"), "1.xla", 3000);
  file(join(root, "H100"), "2.xla", 1000);
  file(join(root, "T4"), "3.xla", 2000);
  file(join(root, "A100"), "4.xla", 500);
  file(root, "notes.txt", 400);
  trimPrograms(root, 250);
  assert.deepEqual(left(root), ["H100", "H100/1.xla", "T4", "T4/3.xla", "notes.txt"]);
});

test("what killed processes and earlier versions left is removed, and what is being written stays", (t) => {
  const root = temporaryFolder(t);
  file(root, "xla_compile_cache__1.pb", 3000);
  file(join(root, "H100"), ".old.pefd-tmp", 3000);
  file(join(root, "H100"), ".new.pefd-tmp", Date.now() / 1000);
  trimPrograms(root);
  assert.deepEqual(left(root), ["H100", "H100/.new.pefd-tmp"]);
  trimPrograms(join(root, "missing"));
});
