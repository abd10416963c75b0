import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { ImageFormat } from "#pefd/data/dataset.js";
import { imageBytes, normalizedBatch, wordsOf } from "#pefd/data/images/byteBatch.js";
import { IMAGENET, knownTable } from "#pefd/data/normalize.js";
import { ownInstructions } from "#pefd/runtime/ownModule.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const IMAGES = 5;

/** Images of every byte, of a size that fills no whole number of words. */
const FORMAT: ImageFormat = {
  height: 5,
  width: 7,
  channels: 3,
  normalization: IMAGENET,
  augmentation: { kind: "resized crop", scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
};

for (const compiled of [false, true]) {
  test(`bytes become the table's values ${compiled ? "by TensorFlow's ops" : "by our own op"}`, (t) => {
    if (!compiled && ownInstructions() === undefined) return t.skip("nothing is compiled");
    const words = new Int32Array(IMAGES * wordsOf(FORMAT)).fill(-1);
    const table = knownTable(FORMAT.normalization);
    const expected: number[] = [];
    for (let image = 0; image < IMAGES; image++) {
      const bytes = imageBytes(words, FORMAT, image);
      bytes.forEach((_, i) => {
        bytes[i] = (image * bytes.length + i) % 256;
        expected.push(table[(bytes[i] as number) * 3 + (i % 3)] as number);
      });
    }
    const { shape, values } = tf.tidy(() => {
      const batch = tf.tensor2d(words, [IMAGES, wordsOf(FORMAT)], "int32");
      const result = normalizedBatch(batch, FORMAT, compiled);
      return { shape: result.shape, values: result.dataSync().slice() };
    });
    assert.deepEqual(shape, [IMAGES, 5, 7, 3]);
    assert.deepEqual(values, Float32Array.from(expected));
  });
}
