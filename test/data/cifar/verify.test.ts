import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { realData, recordsWithLabels, temporaryFolder, writeDataFolder } from "./recordFiles.js";

/** A sound test file whose images are not those of the training file. */
function otherRecords(labels: readonly number[]): Uint8Array {
  const records = recordsWithLabels(labels);
  for (let i = 2; i < records.length; i += 3074) records[i] = (records[i] ?? 0) ^ 255;
  return records;
}

function soundFolder(parent: string): string {
  const directory = writeDataFolder(parent, [0, 5, 0, 5], []);
  writeFileSync(join(directory, "test.bin"), otherRecords([0, 0, 5]));
  return directory;
}

test("a sound folder is reported with sizes, checksums and balance", async (t) => {
  const report = await CIFAR100.verify(soundFolder(temporaryFolder(t)));
  assert.deepEqual(report.problems, []);
  assert.deepEqual([report.balanced, report.official, report.sharedRecords], [false, false, 0]);
  const [train, testFile] = report.files;
  assert.deepEqual([train?.file, train?.bytes, train?.records], ["train.bin", 12296, 4]);
  assert.deepEqual([train?.classes, train?.fewestPerClass, train?.mostPerClass], [2, 2, 2]);
  assert.deepEqual([testFile?.records, testFile?.fewestPerClass, testFile?.mostPerClass], [3, 1, 2]);
  const expected = createHash("sha256")
    .update(recordsWithLabels([0, 5, 0, 5]))
    .digest("hex");
  assert.equal(train?.sha256, expected);
});

test("the checksum of the content does not depend on the order of the records", async (t) => {
  const directory = soundFolder(temporaryFolder(t));
  const before = (await CIFAR100.verify(directory)).files[0];
  const records = recordsWithLabels([0, 5, 0, 5]);
  const moved = Buffer.concat([records.subarray(3074), records.subarray(0, 3074)]);
  writeFileSync(join(directory, "train.bin"), moved);
  const after = (await CIFAR100.verify(directory)).files[0];
  assert.equal(after?.contentSha256, before?.contentSha256);
  assert.notEqual(after?.sha256, before?.sha256);
  moved[100] = (moved[100] ?? 0) ^ 1;
  writeFileSync(join(directory, "train.bin"), moved);
  const changed = (await CIFAR100.verify(directory)).files[0];
  assert.notEqual(changed?.contentSha256, before?.contentSha256);
});

test("missing, cut and mislabelled files are each a problem of their own", async (t) => {
  const parent = temporaryFolder(t);
  const nothing = await CIFAR100.verify(join(parent, "nowhere"));
  assert.equal(nothing.problems.length, 2);
  assert.deepEqual([nothing.files, nothing.balanced], [[], false]);
  const directory = soundFolder(parent);
  writeFileSync(join(directory, "train.bin"), new Uint8Array(3000));
  const report = await CIFAR100.verify(directory);
  assert.match(report.problems.join(), /train\.bin has 3000 bytes/);
  assert.deepEqual(
    report.files.map(({ file }) => file),
    ["test.bin"],
  );
  rmSync(join(directory, "test.bin"));
  writeFileSync(join(directory, "train.bin"), recordsWithLabels([100]));
  assert.match((await CIFAR100.verify(directory)).problems.join(), /label 100.*test\.bin does not/);
});

test("coarse labels that are too large or contradict each other are found", async (t) => {
  const directory = soundFolder(temporaryFolder(t));
  const records = otherRecords([0, 0, 5]);
  records[2 * 3074] = 20;
  writeFileSync(join(directory, "test.bin"), records);
  assert.match((await CIFAR100.verify(directory)).problems.join(), /coarse label 20 in record 3/);
  records[2 * 3074] = 1;
  records[3074] = 7;
  writeFileSync(join(directory, "test.bin"), records);
  const problems = (await CIFAR100.verify(directory)).problems.join();
  assert.match(problems, /fine label 0 the coarse label 0 at first and 7 in record 2/);
});

test("training images in the test file are found", async (t) => {
  const directory = soundFolder(temporaryFolder(t));
  copyFileSync(join(directory, "train.bin"), join(directory, "test.bin"));
  const report = await CIFAR100.verify(directory);
  assert.equal(report.sharedRecords, 4);
  assert.match(report.problems.join(), /4 of the 4 images of test\.bin are in train\.bin/);
});

test("the real CIFAR-100 is recognised", async (t) => {
  const directory = realData();
  if (directory === undefined) return t.skip("PEFD_REAL_DATA names no folder of the real CIFAR-100");
  const report = await CIFAR100.verify(directory);
  assert.deepEqual([report.official, report.balanced, report.sharedRecords, report.problems], [true, true, 4, []]);
});
