import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import type { ImagesInFiles } from "#pefd/data/dataset.js";
import { imageName, readImage } from "#pefd/data/images/places.js";
import { trainingView } from "#pefd/data/images/randomCrop.js";
import { openImageReader } from "#pefd/data/images/reader.js";
import type { TicketRow } from "#pefd/data/images/stream/ring.js";
import { type ImageStream, openImageStream } from "#pefd/data/images/stream/stream.js";
import { evaluationView } from "#pefd/data/images/view.js";
import { knownTable } from "#pefd/data/normalize.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { filesSet } from "./filesSet.js";

before(() => {
  loadTensorFlow();
});

const SEED = 3;

/** The rows of some images of the first set. */
const rowsOf = (images: readonly number[], epoch: number): TicketRow[] =>
  images.map((image) => [0, image, epoch] as const);

const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, i) => from + i);

/** What the rows show, each image read on its own. */
function expected(set: ImagesInFiles, rows: readonly TicketRow[]): Float32Array {
  const reader = openImageReader(nativeBackend().binding, "plain");
  const table = knownTable(set.normalization);
  const images = rows.map(([, image, epoch]) =>
    reader.show(imageName(set.places, image), readImage(set.places, image), (size) =>
      epoch === 0
        ? evaluationView(size, set.evaluation)
        : trainingView(size, set, set.augmentation, { seed: SEED, epoch, image }),
    ),
  );
  return Float32Array.from(
    images.flatMap((bytes) => Array.from(bytes, (byte, i) => table[byte * 3 + (i % 3)] as number)),
  );
}

function open(t: TestContext, sets: readonly ImagesInFiles[], workers: number): ImageStream {
  const stream = openImageStream(sets, { seed: SEED, workers, batchSize: 4 });
  t.after(stream.close);
  return stream;
}

for (const workers of [0, 1, 3]) {
  test(`with ${workers} threads the images are those of one that reads each alone`, (t) => {
    const set = filesSet(t, 14);
    const stream = open(t, [set], workers);
    const [first, second] = [rowsOf(range(0, 14), 1), rowsOf(range(0, 14).reverse(), 2)];
    for (const rows of [first, second]) {
      for (const [from, to] of [
        [0, 4],
        [4, 8],
        [8, 12],
        [12, 14],
      ] as const) {
        const shown = stream.take(rows.slice(from, to), rows.slice(to));
        assert.deepEqual(shown, expected(set, rows.slice(from, to)), `${from} to ${to}`);
      }
    }
  });
}

test("what was read ahead and is not wanted after all is given up", (t) => {
  const sets = [filesSet(t, 12), filesSet(t, 3)];
  const stream = open(t, sets, 2);
  const rows = rowsOf(range(0, 12), 1);
  stream.take(rows.slice(0, 4), rows.slice(4));
  const other: TicketRow[] = [
    [1, 2, 0],
    [1, 0, 0],
  ];
  const shown = stream.take(other, rows);
  assert.deepEqual(
    shown,
    expected(
      sets[1] as ImagesInFiles,
      other.map(([, ...row]) => [0, ...row]),
    ),
  );
  assert.deepEqual(
    stream.take(rows.slice(4, 8)),
    expected(sets[0] as ImagesInFiles, rows.slice(4, 8)),
  );
});

test("more images than there is memory for go through it, in calls of any size", (t) => {
  const set = {
    ...filesSet(t, 6),
    height: 512,
    width: 512,
    evaluation: { resize: 512, crop: 512 },
  };
  const stream = open(t, [set], 2);
  const room = 2 * stream.most;
  assert.ok(room * 512 * 512 * 3 * 4 < 130e6, `${room} images at once`);
  const rows = rowsOf(
    range(0, 3 * room).map((i) => i % 6),
    0,
  );
  const own = expected(set, rowsOf(range(0, 6), 0));
  const size = 512 * 512 * 3;
  for (let from = 0, step = 1; from < rows.length; step = (step % 7) + 1) {
    const part = rows.slice(from, from + step);
    const shown = stream.take(part, rows.slice(from + part.length));
    for (const [i, [, image]] of part.entries()) {
      const is = Buffer.from(shown.slice(i * size, (i + 1) * size).buffer);
      const shouldBe = Buffer.from(own.slice(image * size, (image + 1) * size).buffer);
      assert.ok(is.equals(shouldBe), `image ${from + i}`);
    }
    from += part.length;
  }
  assert.throws(() => stream.take(rows.slice(0, room + 1)), RangeError);
});

for (const workers of [0, 2]) {
  test(`with ${workers} threads a damaged image is named when its turn comes, and not before`, (t) => {
    const set = filesSet(t, 10, 6);
    const stream = open(t, [set], workers);
    const rows = rowsOf(range(0, 10), 1);
    assert.deepEqual(stream.take(rows.slice(0, 4), rows.slice(4)), expected(set, rows.slice(0, 4)));
    assert.throws(
      () => stream.take(rows.slice(4, 8)),
      (error) =>
        error instanceof PefdError &&
        error.exitCode === 1 &&
        /^The image 6_420\.jpg cannot be used: the JPEG is cut short/.test(error.message) &&
        /--skip_list/.test(error.hint ?? ""),
    );
  });
}
