import assert from "node:assert/strict";
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CIFAR10 } from "#pefd/data/cifar/cifar10.js";
import type { Dataset, ImageSet, ImagesInFiles } from "#pefd/data/dataset.js";
import { byName } from "#pefd/data/folder/listing.js";
import { FOLDER } from "#pefd/data/folder/row.js";
import { imageName, readImage } from "#pefd/data/images/places.js";
import { readSkipList, type SkipList } from "#pefd/data/skipList.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { PETS, writeFiles } from "./files.js";

const open = (directory: string, limits = {}) => FOLDER.open(directory, limits) as Dataset;

const namesOf = (set: ImageSet): string[] =>
  Array.from({ length: set.count }, (_, i) => imageName((set as ImagesInFiles).places, i));

test("classes are folders by name, images lie in them or below, and other files count for nothing", (t) => {
  const directory = writeFiles(temporaryFolder(t), PETS);
  const { train, test: tests, numClasses } = open(directory);
  assert.equal(numClasses, 2);
  assert.deepEqual(FOLDER.classNames(directory), ["cat", "dog"]);
  assert.deepEqual(namesOf(train), [
    "train/cat/potter's.webp",
    "train/dog/z.jpg",
    "train/dog/b/10.JPEG",
    "train/dog/b/2.png",
  ]);
  assert.deepEqual([...train.labels], [0, 1, 1, 1]);
  assert.deepEqual(namesOf(tests), ["val/cat/1.jpg", "val/dog/1.bmp"]);
  const third = readImage((train as ImagesInFiles).places, 2);
  assert.equal(Buffer.from(third).toString(), "bytes of train/dog/b/10.JPEG");
});

test("a limited set is balanced, and knows the places of its images among all", (t) => {
  const directory = writeFiles(temporaryFolder(t), PETS);
  const { train } = open(directory, { limitTrain: 2 });
  assert.deepEqual([...train.labels], [0, 1]);
  const all = namesOf(open(directory).train);
  assert.deepEqual(
    Array.from(train.positions ?? [], (position) => all[position]),
    namesOf(train),
  );
  assert.equal(open(directory, { limitTrain: 5 }).train.count, 4, "as many as there are");
  assert.throws(() => open(directory, { limitTest: 0 }), /--limit_test must be a positive/);
});

test("a run's identity follows names, classes and sizes", (t) => {
  const directory = writeFiles(temporaryFolder(t), PETS);
  const sums = () => open(directory).trainFile.sha256;
  const before = sums();
  assert.equal(sums(), before);
  writeFileSync(join(directory, "train/dog/z.jpg"), "other bytes");
  const changed = sums();
  assert.notEqual(changed, before);
  rmSync(join(directory, "train/dog/z.jpg"));
  assert.notEqual(sums(), changed);
});

test("validation images alone can be looked at, by their own classes", (t) => {
  const directory = writeFiles(temporaryFolder(t), ["val/b/1.jpg", "val/a/1.jpg"]);
  assert.deepEqual(FOLDER.classNames(directory), ["a", "b"]);
  assert.throws(() => open(directory), /has no folder train\./);
});

const REFUSALS: Readonly<Record<string, readonly [change: (directory: string) => void, RegExp]>> = {
  "no such folder": [(d) => rmSync(d, { recursive: true }), /The data folder .* does not exist/],
  "a missing class": [
    (d) => rmSync(join(d, "val/dog"), { recursive: true }),
    /val does not have the classes of the training images: it lacks dog\./,
  ],
  "a class too many": [(d) => writeFiles(d, ["val/cow/1.jpg"]), /it also has cow\./],
  "an empty class": [(d) => mkdirSync(join(d, "train/cow")), /train\/cow contains no JPEG, PNG, BMP or WebP image/],
  "a flat folder": [
    (d) => {
      rmSync(join(d, "val"), { recursive: true });
      writeFiles(d, ["val/1.jpg"]);
    },
    /val contains images but no class folders/,
  ],
  "another format": [(d) => writeFiles(d, ["train/dog/y.tiff"]), /y\.tiff is an image in an unsupported format/],
  "a dead link": [
    (d) => symlinkSync(join(d, "nowhere.jpg"), join(d, "val/dog/2.jpg")),
    /val\/dog\/2\.jpg is a broken link/,
  ],
  "links in a circle": [
    (d) => symlinkSync(join(d, "train/dog"), join(d, "train/dog/again")),
    /is nested too deeply|cannot be read/,
  ],
};

for (const [name, [change, sentence]] of Object.entries(REFUSALS)) {
  test(`refused with what to do: ${name}`, (t) => {
    const directory = writeFiles(join(temporaryFolder(t), "images"), PETS);
    change(directory);
    assert.throws(
      () => open(directory),
      (error: Error & { exitCode?: number; hint?: string }) => {
        assert.match(error.message, sentence);
        return error.exitCode === 2;
      },
    );
  });
}

/** A list of names, as a file. */
function listOf(t: TestContext, text: string): SkipList {
  const file = join(temporaryFolder(t), "list.txt");
  writeFileSync(file, text);
  return readSkipList(file);
}

test("what a list names is left out before any image is chosen; the others keep their places", (t) => {
  const directory = writeFiles(temporaryFolder(t), PETS);
  const skip = listOf(t, "# bad\n\ntrain/dog/z.jpg\r\n train/dog/b/2.png \nval/cat/1.jpg\n");
  const { train, test: tests, trainFile } = open(directory, { skip });
  assert.deepEqual(namesOf(train), ["train/cat/potter's.webp", "train/dog/b/10.JPEG"]);
  assert.deepEqual([...(train.positions ?? [])], [0, 2]);
  assert.deepEqual(namesOf(tests), ["val/dog/1.bmp"]);
  assert.deepEqual([...tests.labels], [1]);
  assert.deepEqual(trainFile, open(directory).trainFile, "the files are the same");
  const limited = open(directory, { skip, limitTrain: 1 }).train;
  assert.equal(limited.count, 1);
  assert.equal(open(directory, { skip, limitTrain: 3 }).train.count, 2);
});

test("a list that names what is not there is refused, and one for a data set without names", (t) => {
  const directory = writeFiles(temporaryFolder(t), PETS);
  const skip = listOf(t, "train/dog/z.jpg\ntrain/cow/1.jpg\n");
  assert.throws(() => open(directory, { skip }), /names an image not in the data set: train\/cow\/1\.jpg/);
  assert.throws(() => readSkipList(join(directory, "none.txt")), /none\.txt cannot be read/);
  const empty = listOf(t, PETS.join("\n"));
  assert.throws(() => open(directory, { skip: empty }), /names .* not in the data set|leaves no image/);
  assert.throws(() => CIFAR10.open(directory, { skip }), /--skip_list does not work with cifar10/);
});

test("names are in the order of their code points, as Python sorts them", () => {
  const names = ["a", "", "ab", "Z", "é", "\uffee", "😀", "\ud7ff", "\ue000", "😀a", "鯉", "10", "2"];
  for (const a of names) {
    for (const b of names) {
      const expected = Buffer.compare(Buffer.from(a), Buffer.from(b));
      assert.equal(Math.sign(byName(a, b)), expected, `${a} and ${b}`);
    }
  }
});
