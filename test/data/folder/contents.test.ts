import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Dataset, DatasetFiles } from "#pefd/data/dataset.js";
import { FOLDER } from "#pefd/data/folder/row.js";
import { packImages } from "#pefd/data/shards/pack.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";

/** Test images of one class, so many bytes each, and one training image. */
function imagesOf(t: TestContext, sizes: readonly number[]): string {
  const directory = temporaryFolder(t);
  process.env.PEFD_CACHE = join(directory, "cache");
  for (const half of ["train", "val"]) mkdirSync(join(directory, half, "a"), { recursive: true });
  writeFileSync(join(directory, "train/a/0.bmp"), "image");
  for (const [i, size] of sizes.entries()) {
    writeFileSync(join(directory, `val/a/${i}.bmp`), Buffer.alloc(size, i % 251));
  }
  return directory;
}

const sumOf = (directory: string): string => (FOLDER.files(directory) as DatasetFiles).testFile.sha256;

/** Changes one byte of a file, whose size and time of change stay. */
function change(path: string, at: number): void {
  const { mtimeMs, atimeMs } = statSync(path);
  const bytes = readFileSync(path);
  bytes.writeUInt8(bytes.readUInt8(at) ^ 255, at);
  writeFileSync(path, bytes);
  utimesSync(path, atimeMs / 1000, mtimeMs / 1000);
}

test("images of the same names and sizes with other contents are other data", (t) => {
  const directory = imagesOf(t, [3000, 12_288, 50_000, 0]);
  const before = sumOf(directory);
  assert.equal(sumOf(directory), before);
  const places = [
    ["0.bmp", 0],
    ["0.bmp", 1700],
    ["0.bmp", 2999],
    ["1.bmp", 6000],
    ["2.bmp", 0],
    ["2.bmp", 25_000],
    ["2.bmp", 49_999],
  ] as const;
  for (const [name, at] of places) {
    const path = join(directory, "val/a", name);
    change(path, at);
    assert.notEqual(sumOf(directory), before, `byte ${at} of ${name}`);
    change(path, at);
    assert.equal(sumOf(directory), before);
  }
  change(join(directory, "val/a/2.bmp"), 10_000);
  assert.equal(sumOf(directory), before, "between what is read of a large file");
  renameSync(join(directory, "val/a/0.bmp"), join(directory, "val/a/9.bmp"));
  assert.notEqual(sumOf(directory), before);
});

test("an image that cannot be read is told by whoever decodes it", (t) => {
  const directory = imagesOf(t, [30]);
  mkdirSync(join(directory, "folder"));
  const before = sumOf(directory);
  chmodSync(join(directory, "val/a/0.bmp"), 0);
  assert.equal((FOLDER.open(directory) as Dataset).test.count, 1);
  if (process.getuid?.() !== 0) assert.notEqual(sumOf(directory), before);
});

test("shards of images have their folder's checksum, and notice other contents, too", async (t) => {
  const directory = imagesOf(t, [3000, 50_000, 20_000]);
  const out = join(directory, "shards");
  await packImages("folder", FOLDER.packable(directory), { out, mostBytes: 2 ** 20 });
  const before = sumOf(directory);
  assert.equal(sumOf(out), before);
  const shard = join(out, "val-000000.tar");
  change(shard, readFileSync(shard).indexOf(Buffer.alloc(4096, 1)) + 3);
  assert.notEqual(sumOf(out), before);
});

/** The files in which samples are kept. */
const kept = (directory: string): string[] => {
  const folder = join(directory, "cache/images");
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
};

test("of many images only those are read again that changed; what was kept is checked", (t) => {
  const directory = imagesOf(t, Array(1200).fill(40));
  const before = sumOf(directory);
  assert.deepEqual(kept(directory), [], "files may change within the same tick of the clock");
  t.mock.timers.enable({ apis: ["Date"], now: Date.now() + 60_000 });
  assert.equal(sumOf(directory), before);
  const [index = "", ...others] = kept(directory);
  assert.deepEqual(others, []);
  assert.equal(sumOf(directory), before, "from what was kept");

  const text = readFileSync(index, "utf8");
  const lines = `Another${text.slice(7, text.lastIndexOf("\n", text.length - 2) + 1)}`;
  const seal = createHash("sha256").update(lines).digest("hex");
  writeFileSync(index, `${lines}${seal}\n`);
  assert.notEqual(sumOf(directory), before, "images are not read when nothing has changed");
  writeFileSync(index, `${lines}${"0".repeat(64)}\n`);
  assert.equal(sumOf(directory), before, "a damaged index is not used");
  assert.equal(readFileSync(index, "utf8"), text, "and is replaced");

  const path = join(directory, "val/a/700.bmp");
  change(path, 3);
  assert.notEqual(sumOf(directory), before, "with the old size and time of change");
  change(path, 3);
  writeFileSync(join(directory, "val/a/2000.bmp"), "new");
  const more = sumOf(directory);
  assert.notEqual(more, before);
  assert.equal(sumOf(directory), more);
  writeFileSync(index, "");
  assert.equal(sumOf(directory), more, "the same without what was kept");
});

test("a long opening tells how far it is: after two seconds, and then every ten", async (t) => {
  const directory = imagesOf(
    t,
    Array.from({ length: 20 }, () => 10),
  );
  let now = 0;
  t.mock.method(performance, "now", () => {
    now += 1500;
    return now;
  });
  const told: string[] = [];
  await FOLDER.open(directory, { onProgress: (text) => told.push(text) });
  const line = (done: number) => `reading samples of the test images in ${directory}: ${done} of 20`;
  assert.deepEqual(told, [line(1), line(8), line(14)]);
});
