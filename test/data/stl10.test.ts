import assert from "node:assert/strict";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { ImagesInMemory } from "#pefd/data/dataset.js";
import { STL10 } from "#pefd/data/stl10.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { pixelAt } from "./cifar/recordFiles.js";

const BYTES = 3 * 96 * 96;

/** Images as the files have them: channel by channel, and in each of them column by column. */
function planes(count: number): Uint8Array {
  const bytes = new Uint8Array(count * BYTES);
  for (let i = 0; i < bytes.length; i++) {
    const place = i % BYTES;
    const [channel, column, row] = [Math.floor(place / 9216), Math.floor(place / 96) % 96, place % 96];
    bytes[i] = pixelAt(Math.floor(i / BYTES), row, column, channel);
  }
  return bytes;
}

function writeFolder(directory: string, train: readonly number[], tests: readonly number[]): string {
  writeFileSync(join(directory, "train_X.bin"), planes(train.length));
  writeFileSync(join(directory, "train_y.bin"), Uint8Array.from(train));
  writeFileSync(join(directory, "test_X.bin"), planes(tests.length));
  writeFileSync(join(directory, "test_y.bin"), Uint8Array.from(tests));
  return directory;
}

test("columns become rows, planes interleaved pixels, and labels begin with 0", (t) => {
  const { train, test } = STL10.open(writeFolder(temporaryFolder(t), [1, 10], [3]));
  assert.deepEqual([...train.labels, ...test.labels], [0, 9, 2]);
  const { images } = train as ImagesInMemory;
  images.forEach((value, i) => {
    const [pixel, index] = [Math.floor(i / 3) % 9216, Math.floor(i / BYTES)];
    assert.equal(value, pixelAt(index, Math.floor(pixel / 96), pixel % 96, i % 3));
  });
});

test("labels out of bounds, images without a label and missing files are refused by name", (t) => {
  const directory = temporaryFolder(t);
  const refusals: readonly [change: () => void, sentence: RegExp][] = [
    [() => writeFolder(directory, [1, 0], [1]), /train_y\.bin has the label 0 at byte 1, .*1 to 10/],
    [() => writeFolder(directory, [1, 11], [1]), /has the label 11/],
    [() => writeFileSync(join(directory, "train_y.bin"), "\u0001"), /expected 27648: .* 1 labels/],
    [() => rmSync(join(directory, "train_X.bin")), /train_X\.bin does not exist/],
  ];
  for (const [change, sentence] of refusals) {
    change();
    assert.throws(() => STL10.open(directory), sentence);
  }
});

test("a label belongs to a run's identity", (t) => {
  const directory = writeFolder(temporaryFolder(t), [1, 2], [3]);
  const { sha256 } = STL10.files(directory).trainFile;
  writeFileSync(join(directory, "train_y.bin"), Uint8Array.from([2, 1]));
  assert.notEqual(STL10.files(directory).trainFile.sha256, sha256);
});
