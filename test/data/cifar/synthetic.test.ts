import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { PefdError } from "#pefd/common/errors.js";
import { CIFAR100, CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { assembleTestBatch, assembleTrainBatch, type HostBatch } from "#pefd/data/hostBatch.js";
import { epochPlan } from "#pefd/data/sampler.js";
import { temporaryFolder, writeDataFolder } from "./recordFiles.js";

const { augmentation: SHIFT } = CIFAR100_FORMAT;

const sha256 = (path: string): string => createHash("sha256").update(readFileSync(path)).digest("hex");

const FILES = ["coarse_label_names.txt", "fine_label_names.txt", "test.bin", "train.bin"];

test("the bytes are pinned by the options, and another seed gives other ones", async (t) => {
  const parent = temporaryFolder(t);
  const folders = ["a", "b", "c"].map((name) => join(parent, name));
  const sizes = { train: 12, test: 5 };
  for (const [i, folder] of folders.entries()) {
    await CIFAR100.synthesize(folder, { ...sizes, seed: i === 2 ? 2 : 1 });
    assert.deepEqual(readdirSync(folder), FILES);
  }
  const [train, again, other] = folders.map((folder) => sha256(join(folder, "train.bin")));
  assert.equal(train, "4f7b0b310ad458074de1e93e63b6a0c041c9f0f35892ffcdc7032baf6c650679");
  assert.equal(
    sha256(join(folders[0] ?? "", "test.bin")),
    "c963fda042f4429f1fa87dcd99671327bdf1cea47816812b6bc50dcff597e54d",
  );
  assert.equal(again, train);
  assert.notEqual(other, train);
});

test("classes are balanced, and the label files name 100 fine and 20 coarse classes", async (t) => {
  const directory = join(temporaryFolder(t), "new/folder");
  await CIFAR100.synthesize(directory, { train: 50, test: 23, seed: 3, classes: 10 });
  const { train, test: testSet } = CIFAR100.open(directory);
  const counts = (labels: Uint8Array) => Array.from({ length: 11 }, (_, c) => labels.filter((x) => x === c).length);
  assert.deepEqual(counts(train.labels), [5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 0]);
  assert.deepEqual(counts(testSet.labels), [3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 0]);
  for (const [file, count] of [
    ["fine_label_names.txt", 100],
    ["coarse_label_names.txt", 20],
  ] as const) {
    const names = readFileSync(join(directory, file), "utf8").trimEnd().split("\n");
    assert.equal(new Set(names).size, count);
  }
});

/** Means of the three channels of image i of a batch. */
function colour({ images }: HostBatch, i: number): number[] {
  const sums = [0, 0, 0];
  const image = images.subarray(i * 3072, (i + 1) * 3072);
  for (const [k, value] of image.entries()) sums[k % 3] = (sums[k % 3] ?? 0) + value / 1024;
  return sums;
}

const distance = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, x, i) => sum + (x - (b[i] ?? 0)) ** 2, 0);

test("colour alone, learned from uncropped training images, tells test images apart", async (t) => {
  const directory = temporaryFolder(t);
  await CIFAR100.synthesize(directory, { train: 400, test: 200, seed: 4 });
  const { train, test: testSet } = CIFAR100.open(directory);
  const plan = epochPlan(1, 1, 400, SHIFT).map((value, i) => (i % 4 === 1 || i % 4 === 2 ? 4 : value));
  const seen = assembleTrainBatch(train, plan);
  const asked = assembleTestBatch(testSet, 0, 200);
  const known = Array.from(seen.labels, (label, i) => ({ label, colour: colour(seen, i) }));
  let right = 0;
  for (const [i, label] of asked.labels.entries()) {
    const mean = colour(asked, i);
    const nearest = known.reduce((a, b) => (distance(a.colour, mean) <= distance(b.colour, mean) ? a : b));
    if (nearest.label === label) right++;
  }
  assert.ok(right > 60, `${right} of 200 right; chance is 2`);
});

test("numbers out of range are refused by the flag's name before anything is written", async (t) => {
  const directory = join(temporaryFolder(t), "none");
  const good = { train: 4, test: 4, seed: 1 };
  for (const bad of [{ train: 0 }, { test: 1.5 }, { seed: -1 }, { classes: 101 }]) {
    const name = Object.keys(bad)[0];
    await assert.rejects(
      () => CIFAR100.synthesize(directory, { ...good, ...bad }),
      (error: PefdError) => error.exitCode === 2 && error.message.startsWith(`--${name} must be`),
    );
  }
  assert.throws(() => readdirSync(directory), { code: "ENOENT" });
});

/** Every file of a folder with its bytes. */
const contentOf = (directory: string): Record<string, string> =>
  Object.fromEntries(readdirSync(directory).map((name) => [name, sha256(join(directory, name))] as const));

const SMALL = { train: 4, test: 4, seed: 1 };

test("another data set, synthetic or not, is replaced with force only, and then whole", async (t) => {
  const real = writeDataFolder(temporaryFolder(t), [1, 2], [3]);
  const synthetic = temporaryFolder(t);
  await CIFAR100.synthesize(synthetic, { train: 6, test: 3, seed: 1 });
  for (const directory of [real, synthetic]) {
    const before = contentOf(directory);
    const attempt = () => CIFAR100.synthesize(directory, SMALL);
    await assert.rejects(attempt, (error: PefdError) => {
      assert.match(error.message, /holds another data set \(\w+\.\w+\)\. Nothing was changed\./);
      assert.match(error.hint ?? "", /--force/);
      return error.exitCode === 2;
    });
    assert.deepEqual(contentOf(directory), before);
    await CIFAR100.synthesize(directory, { ...SMALL, force: true });
    const { train, test: testSet } = CIFAR100.open(directory);
    assert.deepEqual([train.count, testSet.count], [4, 4]);
  }
});

test("a folder of other files is written into with force only, and they stay", async (t) => {
  const directory = temporaryFolder(t);
  writeFileSync(join(directory, "thesis.tex"), "mine");
  await assert.rejects(() => CIFAR100.synthesize(directory, SMALL), /holds other files \(thesis\.tex\)/);
  assert.deepEqual(readdirSync(directory), ["thesis.tex"]);
  await CIFAR100.synthesize(directory, { ...SMALL, force: true });
  assert.equal(readFileSync(join(directory, "thesis.tex"), "utf8"), "mine");
  assert.equal(CIFAR100.open(directory).train.count, 4);
});

test("the same set again, complete or interrupted, is made and needs no force", async (t) => {
  const directory = temporaryFolder(t);
  await CIFAR100.synthesize(directory, SMALL);
  const before = contentOf(directory);
  const { mtimeMs } = statSync(join(directory, "train.bin"));
  await CIFAR100.synthesize(directory, SMALL);
  assert.equal(statSync(join(directory, "train.bin")).mtimeMs, mtimeMs, "nothing was written");
  rmSync(join(directory, "test.bin"));
  writeFileSync(join(directory, ".test.bin.0123456789ab.pefd-tmp"), "cut");
  await CIFAR100.synthesize(directory, SMALL);
  assert.deepEqual(contentOf(directory), before);
});

test("a path that leads through a file is refused", async (t) => {
  const file = join(temporaryFolder(t), "file");
  writeFileSync(file, "");
  const attempt = () => CIFAR100.synthesize(join(file, "out"), { train: 4, test: 4, seed: 1 });
  await assert.rejects(attempt, (error: PefdError) => error.exitCode === 2);
});
