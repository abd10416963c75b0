import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { pixelAt, realData, recordsWithLabels, temporaryFolder, writeDataFolder } from "./recordFiles.js";

const repeated = (classes: number, each: number): number[] =>
  Array.from({ length: classes * each }, (_, i) => i % classes);

/** Loads, and returns the error that this must end in. */
function failure(directory: string): PefdError {
  try {
    CIFAR100.open(directory);
  } catch (error) {
    assert.ok(error instanceof PefdError, String(error));
    assert.equal(error.exitCode, 2);
    return error;
  }
  return assert.fail("nothing was refused");
}

test("planes become interleaved pixels, and the fine label is the second byte", (t) => {
  const directory = writeDataFolder(temporaryFolder(t), [7, 99, 0], [42]);
  const { train, test: testSet } = CIFAR100.open(directory);
  assert.deepEqual([train.count, testSet.count], [3, 1]);
  assert.deepEqual([...train.labels, ...testSet.labels], [7, 99, 0, 42]);
  train.images.forEach((value, i) => {
    const pixel = Math.floor(i / 3) % 1024;
    const index = Math.floor(i / 3072);
    assert.equal(value, pixelAt(index, Math.floor(pixel / 32), pixel % 32, i % 3));
  });
});

test("training images come from train.bin only and test images from test.bin only", (t) => {
  const directory = writeDataFolder(temporaryFolder(t), [1, 2, 3], [4, 5]);
  assert.deepEqual([...CIFAR100.open(directory).test.labels], [4, 5]);
  rmSync(join(directory, "train.bin"));
  assert.deepEqual([...CIFAR100.openTest(directory).test.labels], [4, 5]);
  assert.match(failure(directory).message, /train\.bin does not exist/);
});

test("checksums are of the bytes that were loaded, whatever lies at their place later", (t) => {
  const directory = writeDataFolder(temporaryFolder(t), [1, 2, 3], [4, 5]);
  const sha256 = (file: string) =>
    createHash("sha256")
      .update(readFileSync(join(directory, file)))
      .digest("hex");
  const [train, test] = [sha256("train.bin"), sha256("test.bin")];
  const loaded = CIFAR100.open(directory);
  for (const file of ["train.bin", "test.bin"]) {
    writeFileSync(join(directory, file), recordsWithLabels([9]));
  }
  assert.notEqual(sha256("train.bin"), train);
  assert.deepEqual(loaded.trainFile, { images: 3, sha256: train });
  assert.deepEqual(loaded.testFile, { images: 2, sha256: test });
});

test("a missing test file is refused rather than replaced by the training file", (t) => {
  const directory = writeDataFolder(temporaryFolder(t), [1], [2]);
  rmSync(join(directory, "test.bin"));
  assert.match(failure(directory).message, /test\.bin does not exist/);
  assert.throws(() => CIFAR100.openTest(directory), PefdError);
});

test("a limited set is balanced, and has the images of the full one in file order", (t) => {
  const directory = writeDataFolder(temporaryFolder(t), repeated(10, 6), repeated(10, 3));
  const full = CIFAR100.open(directory);
  const { train, test: testSet } = CIFAR100.open(directory, { limitTrain: 23, limitTest: 10 });
  const perClass = Array.from({ length: 10 }, (_, c) => train.labels.filter((x) => x === c).length);
  assert.deepEqual(perClass.toSorted(), [2, 2, 2, 2, 2, 2, 2, 3, 3, 3]);
  assert.deepEqual([...testSet.labels].sort(), repeated(10, 1));
  const imageOf = (set: typeof train, i: number) => set.images.subarray(i * 3072, (i + 1) * 3072).join();
  const places = Array.from({ length: 23 }, (_, i) =>
    Array.from({ length: 60 }, (_, k) => k).find((k) => imageOf(full.train, k) === imageOf(train, i)),
  );
  assert.deepEqual(
    places,
    places.toSorted((a, b) => Number(a) - Number(b)),
  );
  assert.deepEqual(
    places.map((k) => full.train.labels[k ?? -1]),
    [...train.labels],
  );
});

test("a limit takes up to all images; zero or a fraction are refused", (t) => {
  const directory = writeDataFolder(temporaryFolder(t), [1, 2, 3], [4]);
  assert.equal(CIFAR100.open(directory, { limitTrain: 3, limitTest: 1 }).train.count, 3);
  assert.equal(CIFAR100.open(directory, { limitTrain: 4 }).train.count, 3);
  for (const limit of [0, -1, 1.5, Number.NaN]) {
    assert.throws(() => CIFAR100.openTest(directory, limit), /--limit_test must be a positive/);
  }
});

test("missing folders and files name what is missing and how to get it", (t) => {
  const parent = temporaryFolder(t);
  const missing = failure(join(parent, "nowhere"));
  assert.match(missing.message, /nowhere does not exist/);
  assert.match(missing.hint ?? "", /pefd data fetch.*pefd data synthesize --out DIR/);
  assert.match(failure(parent).message, /train\.bin does not exist/);
  const directory = writeDataFolder(parent, [1], [2], "cifar-100-binary");
  assert.ok(failure(parent).hint?.endsWith(`--data ${directory}`));
  assert.match(failure(join(directory, "train.bin")).message, /train\.bin is not a folder/);
});

test("a folder in place of a data file is refused", (t) => {
  const directory = writeDataFolder(temporaryFolder(t), [1], [2]);
  rmSync(join(directory, "train.bin"));
  mkdirSync(join(directory, "train.bin"));
  assert.match(failure(directory).message, /train\.bin is a folder, not a regular file/);
});

test("a cut file is refused with its size, the expected one and the nearest whole one", (t) => {
  const directory = writeDataFolder(temporaryFolder(t), [1, 2, 3], [4]);
  const file = join(directory, "train.bin");
  writeFileSync(file, recordsWithLabels([1, 2, 3]).subarray(0, 3 * 3074 - 1000));
  const { message } = failure(directory);
  for (const part of [file, "8222 bytes", "multiple of 3074", "9222 bytes", "is 3,"]) {
    assert.ok(message.includes(part), `${part}: ${message}`);
  }
  writeFileSync(file, new Uint8Array(5));
  assert.match(failure(directory).message, /nearest whole number of records is 1, 3074 bytes/);
});

test("an empty file is refused", (t) => {
  const directory = writeDataFolder(temporaryFolder(t), [], [4]);
  assert.match(failure(directory).message, /train\.bin is empty \(0 bytes\)/);
});

test("a label above 99 is refused with the record's number", (t) => {
  const directory = writeDataFolder(temporaryFolder(t), [1, 99, 100], [4]);
  const { message } = failure(directory);
  assert.match(message, /train\.bin has the label 100 in record 3 of 3 .*expected 0 to 99/);
});

test("subsets of the real files are balanced", (t) => {
  const directory = realData();
  if (directory === undefined) return t.skip("PEFD_REAL_DATA names no folder of the real CIFAR-100");
  const { train, test: testSet } = CIFAR100.open(directory, { limitTrain: 2050, limitTest: 1000 });
  const counts = (labels: Uint8Array) => Array.from({ length: 100 }, (_, c) => labels.filter((x) => x === c).length);
  assert.deepEqual(new Set(counts(train.labels)), new Set([20, 21]));
  assert.deepEqual(new Set(counts(testSet.labels)), new Set([10]));
});
