import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { ZipFile } from "yazl";
import { openExaminer } from "#pefd/data/images/examine/examiner.js";
import { openImageReader } from "#pefd/data/images/reader.js";
import { TINY_IMAGENET } from "#pefd/data/tinyImageNet/tinyImageNet.js";
import { openZip, openZipReader } from "#pefd/data/tinyImageNet/tree.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { sharedPath } from "../helpers/paths.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

before(() => void loadTensorFlow());

const SIZES = { train: 9, test: 6, seed: 2, classes: 3 };

async function unpacked(t: TestContext): Promise<string> {
  const directory = join(temporaryFolder(t), "tiny-imagenet-200");
  await TINY_IMAGENET.synthesize(directory, SIZES);
  return directory;
}

/** The same files in a zip archive, half of them deflated. */
async function zipped(directory: string, path: string): Promise<string> {
  const names = execFileSync("find", [".", "-type", "f"], { cwd: directory }).toString();
  const zip = new ZipFile();
  for (const [i, name] of names.trim().split("\n").entries()) {
    const options = { compress: i % 2 === 0 };
    zip.addFile(join(directory, name), `tiny-imagenet-200/${name.slice(2)}`, options);
  }
  zip.end();
  const parts: Buffer[] = [];
  for await (const part of zip.outputStream) parts.push(part as Buffer);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

test("the archive, a folder with it, what it unpacks to and the folder above that are the same data set", async (t) => {
  const directory = await unpacked(t);
  const parent = join(directory, "..");
  const elsewhere = temporaryFolder(t);
  const zip = await zipped(directory, join(elsewhere, "tiny-imagenet-200.zip"));
  const opened = await TINY_IMAGENET.open(directory);
  assert.deepEqual([opened.numClasses, opened.train.count, opened.test.count], [3, 9, 6]);
  for (const place of [parent, elsewhere, zip]) {
    const other = await TINY_IMAGENET.open(place);
    assert.deepEqual(other.trainFile, opened.trainFile, place);
    assert.deepEqual(other.testFile, opened.testFile, place);
    assert.deepEqual(other.test.labels, opened.test.labels);
    assert.deepEqual(other.train.kind === "memory" && other.train.images, imagesOf(opened.train));
    assert.deepEqual(await TINY_IMAGENET.classNames(place), [
      "tiny_warm_tiles",
      "small_warm_tiles",
      "plain_warm_tiles",
    ]);
  }
});

const imagesOf = (set: { kind: string }): Uint8Array => (set as unknown as { images: Uint8Array }).images;

test("annotations tell the classes of validation images, not their names", async (t) => {
  const directory = await unpacked(t);
  const file = join(directory, "val/val_annotations.txt");
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  const { test: before } = await TINY_IMAGENET.open(directory);
  const told = new Map(lines.map((line) => line.split("\t").slice(0, 2) as [string, string]));
  const names = [...told.keys()].sort();
  assert.deepEqual(
    [...before.labels],
    names.map((name) => Number(told.get(name)?.slice(1)) - 1),
  );
  writeFileSync(file, `${lines.slice(1).join("\n")}\n`);
  await assert.rejects(async () => TINY_IMAGENET.open(directory), /does not list the class of val/);
});

test("validation images that somebody has sorted into folders are read by these", async (t) => {
  const directory = await unpacked(t);
  const { testFile } = await TINY_IMAGENET.open(directory);
  const file = join(directory, "val/val_annotations.txt");
  for (const line of readFileSync(file, "utf8").trimEnd().split("\n")) {
    const [name = "", wnid = ""] = line.split("\t");
    cpSync(join(directory, "val/images", name), join(directory, "val", wnid, "images", name));
  }
  rmSync(join(directory, "val/images"), { recursive: true });
  rmSync(file);
  const sorted = await TINY_IMAGENET.open(directory);
  assert.equal(sorted.testFile.images, testFile.images);
  assert.deepEqual([...sorted.test.labels].sort(), [0, 0, 1, 1, 2, 2]);
});

test("a damaged image is named, by a run as by verify", async (t) => {
  const directory = await unpacked(t);
  const name = "val/images/val_4.png";
  writeFileSync(join(directory, name), readFileSync(join(directory, name)).subarray(0, 2000));
  const { test: tests } = await TINY_IMAGENET.open(directory);
  assert.throws(() => imagesOf(tests), /val_4\.png cannot be used/);
  const reader = () => openImageReader(nativeBackend().binding);
  for (const workers of [0, 2]) {
    const examiner = openExaminer({ workers, reader });
    const report = await TINY_IMAGENET.verify(directory, examiner);
    examiner.close();
    assert.deepEqual(report.damaged, [name]);
    assert.equal(report.problems.length, 1);
  }
});

test("an archive that is cut or changed is refused, with its name", async (t) => {
  const directory = await unpacked(t);
  const path = await zipped(directory, join(temporaryFolder(t), "images.zip"));
  const bytes = readFileSync(path);
  const zip = await openZip(path);
  const [name = "", member] = [...zip.members][0] ?? [];
  const at = (member?.header ?? 0) + 30 + name.length + 5;
  bytes[at] = (bytes[at] ?? 0) ^ 1;
  writeFileSync(path, bytes);
  const reader = openZipReader(await openZip(path));
  assert.throws(() => reader.read(name), /images\.zip cannot be read: .* has changed/);
  assert.throws(() => reader.read("nothing"), /there is no nothing/);
  reader.close();
  writeFileSync(path, bytes.subarray(0, bytes.length - 100));
  await assert.rejects(async () => TINY_IMAGENET.open(path), /images\.zip cannot be read/);
});

test("the labels of real validation images are those of their annotations", async (t) => {
  const path = sharedPath("images/tiny-imagenet-subset.zip");
  if (path === undefined) return t.skip("needs ../shared/images/tiny-imagenet-subset.zip");
  const reader = openZipReader(await openZip(path));
  const lines = Buffer.from(reader.read("tiny-imagenet-200/val/val_annotations.txt")).toString();
  const wnids = Buffer.from(reader.read("tiny-imagenet-200/wnids.txt")).toString();
  reader.close();
  const classes = wnids.trim().split("\n").sort();
  const told = lines
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t").slice(0, 2));
  told.sort(([a = ""], [b = ""]) => (a < b ? -1 : 1));
  const { test: tests, train, numClasses } = await TINY_IMAGENET.open(path);
  assert.deepEqual([numClasses, train.count, tests.count], [10, 5000, 500]);
  assert.deepEqual(
    [...tests.labels],
    told.map(([, wnid = ""]) => classes.indexOf(wnid)),
  );
  assert.equal(imagesOf(tests).length, 500 * 64 * 64 * 3);
});
