import assert from "node:assert/strict";
import { readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { trimPrograms } from "#pefd/runtime/programs/trim.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

/** A compiled program of 100 bytes that was used so many seconds after 1970. */
function program(folder: string, name: string, used: number): void {
  const path = join(folder, name);
  writeFileSync(path, Buffer.alloc(100));
  utimesSync(path, used, used);
}

test("compiled programs beyond the limit are removed, those not used for longest first", (t) => {
  const folder = temporaryFolder(t);
  program(folder, "xla_compile_cache__1.pb", 3000);
  program(folder, "xla_compile_cache__2.pb", 1000);
  program(folder, "xla_compile_cache__3.pb", 2000);
  program(folder, "notes.txt", 500);
  trimProgramCache(folder, 200);
  assert.deepEqual(readdirSync(folder).sort(), [
    "notes.txt",
    "xla_compile_cache__1.pb",
    "xla_compile_cache__3.pb",
  ]);
});

test("one byte more than the limit is too much", (t) => {
  const folder = temporaryFolder(t);
  program(folder, "xla_compile_cache__1.pb", 2000);
  program(folder, "xla_compile_cache__2.pb", 1000);
  trimProgramCache(folder, 199);
  assert.deepEqual(readdirSync(folder), ["xla_compile_cache__1.pb"]);
});

test("a cache within the limit, or one that is not there yet, is left alone", (t) => {
  const folder = temporaryFolder(t);
  program(folder, "xla_compile_cache__1.pb", 1000);
  trimPrograms(folder, 100);
  trimPrograms(join(folder, "missing"), 100);
  assert.deepEqual(readdirSync(folder), ["xla_compile_cache__1.pb"]);
});
