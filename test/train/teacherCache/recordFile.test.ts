import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, statSync, truncateSync, writeSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { openRecordFile, recordBytes } from "#pefd/train/teacherCache/store.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { RECORDS, SIZE, valuesOf } from "./records.js";

const WRITER = fileURLToPath(new URL("./recordWriter.js", import.meta.url));

const fileIn = (t: TestContext): string => join(temporaryFolder(t), "records.bin");

test("what was written is read back, what was not is not there, and holes take no space", (t) => {
  const path = fileIn(t);
  const file = openRecordFile(path, SIZE);
  const into = new Float32Array(SIZE);
  const last = 1_000_000;
  for (const index of [7, last]) file.write(index, valuesOf(index));
  for (const index of [0, 6, 8, 500_000, last + 1]) assert.equal(file.read(index, into), false);
  for (const index of [7, last]) {
    assert.equal(file.read(index, into), true);
    assert.deepEqual(into, valuesOf(index));
  }
  file.close();
  const { size, blocks } = statSync(path);
  assert.equal(size, (last + 1) * recordBytes(SIZE));
  assert.ok(blocks * 512 < 1e5, `${blocks} blocks`);
  const again = openRecordFile(path, SIZE);
  assert.equal(again.read(7, into), true);
  again.close();
});

test("a record of zeros is a record", (t) => {
  const file = openRecordFile(fileIn(t), SIZE);
  const into = new Float32Array(SIZE).fill(1);
  file.write(3, new Float32Array(SIZE));
  assert.equal(file.read(3, into), true);
  assert.deepEqual(into, new Float32Array(SIZE));
  assert.equal(file.read(2, into), false);
  file.close();
});

test("a record that is there in part, changed or in another's place does not count", (t) => {
  const path = fileIn(t);
  const file = openRecordFile(path, SIZE);
  const into = new Float32Array(SIZE);
  const bytes = recordBytes(SIZE);
  for (const index of [0, 1, 2]) file.write(index, valuesOf(index));
  const raw = openSync(path, "r+");
  writeSync(raw, Buffer.from([1, 2, 3]), 0, 3, bytes - 3); // the end of record 0
  writeSync(raw, Buffer.from(valuesOf(2).buffer), 0, 4 * SIZE, bytes + 4); // record 2's values in record 1
  closeSync(raw);
  truncateSync(path, 3 * bytes - 1);
  for (const index of [0, 1, 2]) assert.equal(file.read(index, into), false, `record ${index}`);
  file.write(1, valuesOf(1));
  assert.equal(file.read(1, into), true);
  file.close();
});

/** Reads every record. @returns how many are there; each must be the one that belongs there */
function readAll(path: string): number {
  const file = openRecordFile(path, SIZE);
  const into = new Float32Array(SIZE);
  let found = 0;
  for (let index = 0; index < RECORDS; index++) {
    if (!file.read(index, into)) continue;
    found++;
    assert.deepEqual(into, valuesOf(index), `record ${index}`);
  }
  file.close();
  return found;
}

const writer = (path: string, seed: number): ChildProcess =>
  spawn(process.execPath, [WRITER, path, String(seed)], { stdio: "ignore" });

test("two processes that write at once, and are killed, leave nothing but whole records", async (t) => {
  const path = fileIn(t);
  for (const round of [1, 2, 3]) {
    const before = readAll(path);
    const children = [writer(path, 2 * round), writer(path, 2 * round + 1)];
    // Some of what was missing is there, and the writers are in the middle of other records. A round may leave few to
    // write, where the machine is slow to end it.
    while (readAll(path) < before + (RECORDS - before) / 20) await setTimeout(5);
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(children.map((child) => child.exitCode ?? once(child, "exit")));
    assert.ok(readAll(path) >= before);
  }
});
