import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { readImage } from "#pefd/data/images/places.js";
import { openImageReader } from "#pefd/data/images/reader.js";
import { resizedSize, wholeOf } from "#pefd/data/images/view.js";
import { openReencoder } from "#pefd/data/shards/reencode.js";
import { reencodeAll } from "#pefd/data/shards/reencodeAll.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { filesSet } from "../images/filesSet.js";

before(() => {
  loadTensorFlow();
});

const REENCODING = { shortSide: 24, quality: 90 };

async function all(t: TestContext, workers: number, damaged?: number) {
  const { places, count } = filesSet(t, 8, damaged);
  const files: Buffer[] = [];
  for await (const { bytes } of reencodeAll(REENCODING, workers)(places, count)) {
    files.push(Buffer.from(bytes));
  }
  return files;
}

test("images become JPEGs with the short side asked for, close to the resized ones; small ones stay as they are", (t) => {
  const { places, count } = filesSet(t, 6);
  const { binding } = nativeBackend();
  const reader = openImageReader(binding);
  const reencode = openReencoder(binding, REENCODING);
  for (let i = 0; i < count; i++) {
    const file = readImage(places, i);
    const size = reader.size("image", file);
    const { bytes, isNewJpeg } = reencode("image", file);
    assert.equal(isNewJpeg, Math.min(size.height, size.width) > 24 ? true : undefined);
    if (!isNewJpeg) {
      assert.deepEqual(bytes, file);
      continue;
    }
    const small = resizedSize(size, 24);
    const found = reader.pixels("image", bytes);
    assert.deepEqual([found.height, found.width], [small.height, small.width]);
    const view = { box: wholeOf(size), size: small, window: wholeOf(small), flip: false };
    const exact = reader.show("image", file, () => view);
    const off = exact.reduce((sum, value, j) => sum + Math.abs(value - (found.bytes[j] ?? 0)), 0);
    assert.ok(off / exact.length < 12, `${off / exact.length} levels off`);
  }
});

test("any number of threads gives the same files in the same order; a damaged one is named", async (t) => {
  const files = await all(t, 1);
  assert.equal(files.length, 8);
  assert.deepEqual(await all(t, 3), files);
  await assert.rejects(all(t, 2, 5), { exitCode: 1, message: /^The image 5_\S+ cannot be used/ });
});
