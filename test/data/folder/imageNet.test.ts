import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Dataset, ImagesInFiles } from "#pefd/data/dataset.js";
import { IMAGENET } from "#pefd/data/folder/row.js";
import { imageName } from "#pefd/data/images/places.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { writeFiles } from "./files.js";

const KAGGLE = "ILSVRC/Data/CLS-LOC";

/** Kaggle's layout: validation images in one folder, their classes in a table. */
function writeKaggle(directory: string): string {
  writeFiles(directory, [
    `${KAGGLE}/train/n02/n02_1.JPEG`,
    `${KAGGLE}/train/n01/n01_7.JPEG`,
    `${KAGGLE}/val/ILSVRC2012_val_00000001.JPEG`,
    `${KAGGLE}/val/ILSVRC2012_val_00000002.JPEG`,
    `${KAGGLE}/test/ILSVRC2012_test_00000001.JPEG`,
  ]);
  const lines = [
    "ImageId,PredictionString",
    "ILSVRC2012_val_00000002,n01 1 2 3 4 n01 5 6 7 8 ",
    "ILSVRC2012_val_00000001,n02 85 1 499 272 ",
  ];
  writeFileSync(join(directory, "LOC_val_solution.csv"), `${lines.join("\n")}\n`);
  return directory;
}

test("Kaggle's layout is read: the solution tells the classes of the validation images", (t) => {
  const directory = writeKaggle(temporaryFolder(t));
  const { train, test: tests, numClasses } = IMAGENET.open(directory) as Dataset;
  assert.deepEqual([numClasses, train.count], [2, 2]);
  assert.deepEqual([...tests.labels], [1, 0]);
  assert.equal(imageName((tests as ImagesInFiles).places, 1), `${KAGGLE}/val/ILSVRC2012_val_00000002.JPEG`);
  assert.deepEqual(IMAGENET.classNames(directory), ["n01", "n02"]);
  writeFileSync(join(directory, "LOC_synset_mapping.txt"), "n01 tench, Tinca tinca\nn02 goldfish\n");
  assert.deepEqual(IMAGENET.classNames(directory), ["tench, Tinca tinca", "goldfish"]);
});

test("without the solution, or with one that does not tell, it is said what to bring", (t) => {
  const directory = writeKaggle(temporaryFolder(t));
  const file = join(directory, "LOC_val_solution.csv");
  writeFileSync(file, "ImageId,PredictionString\nILSVRC2012_val_00000002,n01 1 2 3 4\n");
  assert.throws(() => IMAGENET.open(directory), /does not list the class of .*_00000001\.JPEG/);
  writeFileSync(file, "ImageId,PredictionString\nILSVRC2012_val_00000001,n09 1 2 3 4\n");
  assert.throws(() => IMAGENET.open(directory), /LOC_val_solution\.csv gives .* the class n09/);
  rmSync(file);
  assert.throws(
    () => IMAGENET.open(directory),
    (error: Error & { hint?: string }) => error.hint?.includes(`at ${file}`) === true,
  );
});

test("folders of classes are read as those of any data set", (t) => {
  const names = ["train/n01/1.JPEG", "train/n02/2.JPEG", "val/n01/3.JPEG", "val/n02/4.JPEG"];
  const { test: tests } = IMAGENET.open(writeFiles(temporaryFolder(t), names)) as Dataset;
  assert.deepEqual([...tests.labels], [0, 1]);
});
