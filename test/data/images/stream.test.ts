import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import type { ImagesInFiles } from "#pefd/data/dataset.js";
import { imageBytes, wordsOf } from "#pefd/data/images/byteBatch.js";
import { imageName, readImage } from "#pefd/data/images/places.js";
import { openImageReader } from "#pefd/data/images/reader.js";
import type { TicketRow } from "#pefd/data/images/stream/ring.js";
import { type ImageStream, openImageStream } from "#pefd/data/images/stream/stream.js";
import { evaluationView, trainingView } from "#pefd/data/images/view.js";
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

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

/** What the rows show, each image read on its own. */
function expected(set: ImagesInFiles, rows: readonly TicketRow[]): Uint8Array[] {
  const reader = openImageReader(nativeBackend().binding, "plain");
  return rows.map(([, image, epoch]) =>
    reader.show(imageName(set.places, image), readImage(set.places, image), (size) =>
      epoch === 0
        ? evaluationView(size, set.evaluation)
        : trainingView(size, set, set.augmentation, { seed: SEED, epoch, image }),
    ),
  );
}

/** The images of so many rows that a stream has given. */
function shown(set: ImagesInFiles, words: Int32Array): Uint8Array[] {
  const count = words.length / wordsOf(set);
  return range(0, count).map((i) => imageBytes(words, set, i).slice());
}

function open(t: TestContext, sets: readonly ImagesInFiles[], workers: number): ImageStream {
  const stream = openImageStream(sets, { seed: SEED, workers, batchSize: 4 });
  t.after(stream.close);
  return stream;
}

for (const workers of [0, 1, 3]) {
  test(`with ${workers} threads the images are those of one that reads each alone`, (t) => {
    // 3267 bytes, which are no whole number of words.
    const set = { ...filesSet(t, 14), height: 33, width: 33 };
    const stream = open(t, [set], workers);
    const [first, second] = [rowsOf(range(0, 14), 1), rowsOf(range(0, 14).reverse(), 2)];
    for (const rows of [first, second]) {
      for (const [from, to] of [
        [0, 4],
        [4, 8],
        [8, 12],
        [12, 14],
      ] as const) {
        const taken = stream.take(rows.slice(from, to), rows.slice(to));
        assert.deepEqual(shown(set, taken), expected(set, rows.slice(from, to)), `${from} to ${to}`);
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
  const [first, second] = sets as [ImagesInFiles, ImagesInFiles];
  assert.deepEqual(
    shown(second, stream.take(other, rows)),
    expected(
      second,
      other.map(([, ...row]) => [0, ...row]),
    ),
  );
  assert.deepEqual(shown(first, stream.take(rows.slice(4, 8))), expected(first, rows.slice(4, 8)));
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
  assert.ok(room * 512 * 512 * 3 < 33e6, `${room} images at once`);
  const rows = rowsOf(
    range(0, 3 * room).map((i) => i % 6),
    0,
  );
  const own = expected(set, rowsOf(range(0, 6), 0));
  for (let from = 0, step = 1; from < rows.length; step = (step % 7) + 1) {
    const part = rows.slice(from, from + step);
    const taken = stream.take(part, rows.slice(from + part.length));
    for (const [i, [, image]] of part.entries()) {
      const is = Buffer.from(imageBytes(taken, set, i));
      assert.ok(is.equals(own[image] as Uint8Array), `image ${from + i}`);
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
    const taken = stream.take(rows.slice(0, 4), rows.slice(4));
    assert.deepEqual(shown(set, taken), expected(set, rows.slice(0, 4)));
    assert.throws(
      () => stream.take(rows.slice(4, 8)),
      (error) =>
        error instanceof PefdError &&
        error.exitCode === 1 &&
        /^The image 6_420\.jpg cannot be used: the JPEG is truncated/.test(error.message) &&
        /--skip_list/.test(error.hint ?? ""),
    );
  });
}
