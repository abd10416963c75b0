import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CIFAR10 } from "#pefd/data/cifar/cifar10.js";
import type { ImagesInMemory } from "#pefd/data/dataset.js";
import { pixelAt, temporaryFolder } from "./recordFiles.js";

const RECORD = 3073;

/** Records of these labels; image `first` and those after it. */
function records(labels: readonly number[], first = 0): Uint8Array {
  const bytes = new Uint8Array(labels.length * RECORD);
  labels.forEach((label, i) => {
    bytes[i * RECORD] = label;
    for (let k = 0; k < 3072; k++) {
      const place = [Math.floor((k % 1024) / 32), k % 32, Math.floor(k / 1024)] as const;
      bytes[i * RECORD + 1 + k] = pixelAt(first + i, ...place);
    }
  });
  return bytes;
}

/** Two images a training file, one test image. */
function writeFolder(directory: string): string {
  mkdirSync(directory, { recursive: true });
  for (let batch = 1; batch <= 5; batch++) {
    const labels = [2 * batch - 2, 2 * batch - 1];
    writeFileSync(join(directory, `data_batch_${batch}.bin`), records(labels, 2 * batch));
  }
  writeFileSync(join(directory, "test_batch.bin"), records([9], 77));
  return directory;
}

test("the five training files come one after another, the label first, planes as interleaved pixels", (t) => {
  const directory = writeFolder(temporaryFolder(t));
  const { train, test, numClasses } = CIFAR10.open(directory);
  assert.equal(numClasses, 10);
  assert.deepEqual([...train.labels], [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  assert.deepEqual([...test.labels], [9]);
  const { images } = train as ImagesInMemory;
  images.forEach((value, i) => {
    const [index, pixel] = [Math.floor(i / 3072), Math.floor(i / 3) % 1024];
    assert.equal(value, pixelAt(index + 2, Math.floor(pixel / 32), pixel % 32, i % 3));
  });
});

test("a run's identity is the checksum of all training files together", (t) => {
  const directory = writeFolder(temporaryFolder(t));
  const bytes = [1, 2, 3, 4, 5].map((b) => readFileSync(join(directory, `data_batch_${b}.bin`)));
  const sha256 = createHash("sha256").update(Buffer.concat(bytes)).digest("hex");
  assert.deepEqual(CIFAR10.files(directory).trainFile, { images: 10, sha256 });
  const file = join(directory, "data_batch_4.bin");
  const changed = readFileSync(file);
  changed[5000] = (changed[5000] ?? 0) ^ 1;
  writeFileSync(file, changed);
  assert.notEqual(CIFAR10.files(directory).trainFile.sha256, sha256);
});

test("a limited set takes from all files, balanced, and a label above 9 is refused", (t) => {
  const directory = writeFolder(temporaryFolder(t));
  const { labels } = CIFAR10.open(directory, { limitTrain: 7 }).train;
  assert.equal(new Set(labels).size, 7);
  assert.equal(CIFAR10.open(directory, { limitTrain: 11 }).train.count, 10);
  writeFileSync(join(directory, "data_batch_2.bin"), records([1, 10]));
  assert.throws(() => CIFAR10.open(directory), /data_batch_2\.bin has the label 10 .*0 to 9/);
});

test("names of the classes come from batches.meta.txt, else they are numbers", (t) => {
  const directory = writeFolder(temporaryFolder(t));
  assert.deepEqual(CIFAR10.classNames(directory).slice(0, 2), ["0", "1"]);
  const names = "airplane automobile bird cat deer dog frog horse ship truck".split(" ");
  writeFileSync(join(directory, "batches.meta.txt"), `${names.join("\n")}\n\n`);
  assert.deepEqual(CIFAR10.classNames(directory), names);
});

test("a folder is verified as a whole: balanced over its files, and what is wrong by name", async (t) => {
  const directory = writeFolder(temporaryFolder(t));
  const report = await CIFAR10.verify(directory);
  assert.deepEqual([report?.problems, report?.balanced, report?.official], [[], true, false]);
  assert.equal(report?.files.length, 6);
  writeFileSync(join(directory, "data_batch_3.bin"), records([1, 2]).subarray(0, 5000));
  const [problem] = (await CIFAR10.verify(directory)).problems ?? [];
  assert.match(problem ?? "", /data_batch_3\.bin has 5000 bytes, .*one image and its label/);
});

test("the folder that the archive makes is found from the one above it", (t) => {
  const parent = temporaryFolder(t);
  const directory = writeFolder(join(parent, "cifar-10-batches-bin"));
  assert.throws(
    () => CIFAR10.open(parent),
    (error: Error & { hint?: string }) => error.hint?.endsWith(`--data ${directory}`) === true,
  );
});
