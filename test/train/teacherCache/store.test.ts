import assert from "node:assert/strict";
import { statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { OutputSizes, Outputs } from "#pefd/train/teacherCache/store.js";
import { openStore } from "#pefd/train/teacherCache/store.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

const SIZES: OutputSizes = new Map([
  ["pooled", 3],
  ["logits", 2],
]);

/** Outputs of two images. */
const outputs = (): Outputs =>
  new Map([
    ["pooled", Float32Array.of(1, 2, 3, 4, 5, 6)],
    ["logits", Float32Array.of(7, 8, 9, 10)],
  ]);

const empty = (): Outputs =>
  new Map([
    ["pooled", new Float32Array(6)],
    ["logits", new Float32Array(4)],
  ]);

const PLENTY = () => ({ free: 1e12, reserve: 1e9 });

function opened(t: TestContext, sizes: OutputSizes, folder: string, space = PLENTY) {
  const reasons: string[] = [];
  const store = openStore(folder, sizes, (reason) => reasons.push(reason), space);
  t.after(() => store.close());
  return { store, reasons };
}

test("rows are kept and found; an entry is there only with every output", (t) => {
  const folder = temporaryFolder(t);
  const features: OutputSizes = new Map([["pooled", 3]]);
  const first = opened(t, features, folder).store;
  first.write(5, outputs(), 1);
  const { store } = opened(t, SIZES, folder);
  assert.equal(store.read(5, empty(), 0), false);
  store.write(5, outputs(), 1);
  const found = empty();
  assert.equal(store.read(5, found, 0), true);
  assert.deepEqual([...(found.get("pooled") ?? [])], [4, 5, 6, 0, 0, 0]);
  assert.deepEqual([...(found.get("logits") ?? [])], [9, 10, 0, 0]);
});

test("a disk that runs short stops the growth, with one reason; what is there is still found", (t) => {
  const folder = temporaryFolder(t);
  opened(t, SIZES, folder).store.write(0, outputs(), 0);
  const short = () => ({ free: 1.01e9, reserve: 1e9 });
  const { store, reasons } = opened(t, SIZES, folder, short);
  assert.equal(store.isGrowing(), true);
  for (const entry of [1, 2]) store.write(entry, outputs(), 0);
  assert.equal(store.isGrowing(), false);
  assert.deepEqual(reasons, ["1.0 GB of the disk are free, and 1.0 GB are to stay so"]);
  assert.equal(store.read(1, empty(), 0), false);
  assert.equal(store.read(0, empty(), 0), true);
});

test("the disk is looked at again while the cache grows", (t) => {
  const space = { free: 1e12, reserve: 1e9 };
  const { store, reasons } = opened(t, SIZES, temporaryFolder(t), () => space);
  store.write(0, outputs(), 0);
  space.free = 0;
  // One look every 16 MB, and every record counts as a block of 4 KB.
  for (let entry = 1; entry < 4000; entry++) store.write(entry, outputs(), 0);
  assert.equal(reasons.length, 1);
});

test("a disk that refuses a record stops the growth", (t) => {
  const folder = temporaryFolder(t);
  symlinkSync("/dev/full", join(folder, "features.bin"));
  const { store, reasons } = opened(t, SIZES, folder);
  for (const entry of [0, 1]) store.write(entry, outputs(), 0);
  assert.match(reasons.join(), /^ENOSPC/);
  assert.equal(store.read(0, empty(), 0), false);
  assert.equal(statSync(join(folder, "logits.bin")).size, 0);
});
