import assert from "node:assert/strict";
import { before, test } from "node:test";
import { residentBatch, residentBytes, residentImages } from "#pefd/data/augment.js";
import { assembleTrainBatch } from "#pefd/data/hostBatch.js";
import { PLAN_COLUMNS } from "#pefd/data/sampler.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { decodeRecords, recordsWithLabels } from "./cifar/recordFiles.js";

before(() => {
  loadTensorFlow();
});

const SET = decodeRecords(recordsWithLabels([10, 20, 30, 40, 50]));
/** All crops of one line and all of one column, mirrored and not: what lies outside comes from each side. */
const ROWS = [0, 1].flatMap((flip) =>
  Array.from({ length: 9 }, (_, i) => [
    [i % 5, i, 8 - i, flip],
    [(i + 2) % 5, 4, i, flip],
  ]).flat(),
);

test("a batch made of resident images is the one that is made on the host, bit for bit", () => {
  const plan = Int32Array.from(ROWS.flat());
  const expected = assembleTrainBatch(SET, plan);
  const resident = residentImages(SET);
  tf.tidy(() => {
    const rows = tf.tensor2d(plan, [ROWS.length, PLAN_COLUMNS], "int32");
    const { images, labels } = residentBatch(resident, rows, SET);
    assert.deepEqual(images.shape, [ROWS.length, 32, 32, 3]);
    assert.deepEqual(images.dataSync(), expected.images);
    assert.equal(labels.dtype, "int32");
    assert.deepEqual([...labels.dataSync()], [...expected.labels]);
  });
  const bytes = [resident.pixels, resident.labels].reduce((sum, { size }) => sum + 4 * size, 0);
  assert.equal(residentBytes(SET), bytes);
  tf.dispose([resident.pixels, resident.labels]);
});
