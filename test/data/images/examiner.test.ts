import assert from "node:assert/strict";
import { before, test } from "node:test";
import { environmentError } from "#pefd/common/errors.js";
import { openExaminer } from "#pefd/data/images/examine/examiner.js";
import type { ToExamine } from "#pefd/data/images/examine/types.js";
import { imageName } from "#pefd/data/images/places.js";
import { openImageReader } from "#pefd/data/images/reader.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { filesSet } from "./filesSet.js";
import { fileNamed } from "./generated.js";

before(() => {
  loadTensorFlow();
});

const reader = () => openImageReader(nativeBackend().binding);

async function examine(images: ToExamine, workers: number) {
  const progress: number[] = [];
  const examiner = openExaminer({ workers, reader, onProgress: (done) => progress.push(done) });
  try {
    return { found: await examiner.examine(images), progress };
  } finally {
    examiner.close();
  }
}

test("any number of threads finds the same, in the order of the images", async (t) => {
  const { places } = filesSet(t, 150, 137);
  const names = Array.from({ length: 150 }, (_, i) => imageName(places, i));
  const images = { names, source: { places, first: 0 } };
  const { found, progress } = await examine(images, 0);
  assert.deepEqual(
    found.flatMap(({ problem }, i) => (problem === undefined ? [] : [i])),
    [137],
  );
  assert.ok(found[137]?.problem?.includes(names[137] as string));
  assert.deepEqual(progress, [16, 32, 48, 64, 80, 96, 112, 128, 144, 150]);
  for (const workers of [1, 2, 8]) {
    const other = await examine(images, workers);
    assert.deepEqual(other.found, found, `${workers} threads`);
    assert.deepEqual(other.progress.at(-1), 150);
    assert.deepEqual(
      other.progress,
      other.progress.toSorted((a, b) => a - b),
    );
  }
});

test("images in memory are examined as those in files, and held to their size", async () => {
  const images = {
    names: ["one", "two", "three"],
    source: { files: ["420.jpg", "rgb.png", "420.jpg"].map(fileNamed) },
    size: { height: 42, width: 68 },
  };
  for (const workers of [0, 2]) {
    const { found } = await examine(images, workers);
    assert.deepEqual(found[0], found[2]);
    assert.equal(found[0]?.bytes, fileNamed("420.jpg").length);
    const wrong = { ...images, size: { height: 42, width: 67 } };
    const [first] = (await examine(wrong, workers)).found;
    assert.match(first?.problem ?? "", /one cannot be used: it has 68 x 42 pixels instead of 67 x 42/);
  }
});

test("what is wrong with the machine is no problem of an image", async () => {
  const images = { names: ["one"], source: { files: [fileNamed("rgb.png")] } };
  const broken = () => {
    throw environmentError("The library does not load.");
  };
  const decoding = openExaminer({ workers: 0, reader: () => ({ ...reader(), pixels: broken }) });
  await assert.rejects(decoding.examine(images), { exitCode: 3 });
});
