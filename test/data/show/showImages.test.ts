import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import type { ImagesInFiles } from "#pefd/data/dataset.js";
import { imageName, readImage } from "#pefd/data/images/places.js";
import { type ImageReader, openImageReader } from "#pefd/data/images/reader.js";
import { evaluationView, trainingView } from "#pefd/data/images/view.js";
import { epochPlan } from "#pefd/data/sampler.js";
import { shownImages } from "#pefd/data/showImages.js";
import { TINY_IMAGENET } from "#pefd/data/tinyImageNet/tinyImageNet.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { pixelAt, writeDataFolder } from "../cifar/recordFiles.js";
import { filesSet } from "../images/filesSet.js";

before(() => {
  loadTensorFlow();
});

const SEED = 7;
const reader = (): ImageReader => openImageReader(nativeBackend().binding, "plain");
const never = (): never => {
  throw new Error("no image is to be decoded");
};

test("images in memory are shown as a run of this seed shifts and mirrors them in each epoch", (t) => {
  const folder = writeDataFolder(temporaryFolder(t), [0, 1, 2, 0, 1], [0]);
  const { train } = CIFAR100.open(folder);
  const epochs = [1, 2, 0];
  const shown = shownImages(train, 5, { epochs, seed: SEED, reader: never });
  assert.deepEqual(
    shown.map(({ name, label }) => [name, label]),
    [0, 1, 2, 0, 1].map((label, i) => [`image ${i}`, label]),
  );
  for (const [image, { original, views }] of shown.entries()) {
    const byte = (row: number, column: number, channel: number) => {
      const isInside = row >= 0 && row < 32 && column >= 0 && column < 32;
      return isInside ? pixelAt(image, row, column, channel) : 0;
    };
    for (const [i, epoch] of epochs.entries()) {
      const plan = epochPlan(SEED, Math.max(1, epoch), 5, train.augmentation);
      const at = [0, 1, 2, 3, 4].find((row) => plan[row * 4] === image) as number;
      const row = epoch === 0 ? [0, 4, 4, 0] : plan.subarray(at * 4, at * 4 + 4);
      const [, y = 0, x = 0, flip] = row;
      const expected = Uint8Array.from({ length: 32 * 32 * 3 }, (_, place) => {
        const [down, right] = [Math.floor(place / 96), Math.floor(place / 3) % 32];
        const column = flip === 1 ? 31 - right : right;
        return byte(down + y - 4, column + x - 4, place % 3);
      });
      assert.deepEqual(views[i]?.bytes, expected, `image ${image}, epoch ${epoch}`);
    }
    assert.deepEqual(original.bytes, views[2]?.bytes);
  }
});

test("images of files are shown as a run of this seed crops them in each epoch, and as it evaluates them", (t) => {
  const set: ImagesInFiles = filesSet(t, 6);
  const shown = shownImages(set, 6, { epochs: [1, 5, 0], seed: SEED, reader });
  const own = reader();
  for (const [image, { name, size, original, views }] of shown.entries()) {
    assert.equal(name, imageName(set.places, image));
    const file = readImage(set.places, image);
    assert.deepEqual(size, {
      height: own.size(name, file).height,
      width: own.size(name, file).width,
    });
    const expected = [1, 5, 0].map((epoch) =>
      own.show(name, file, (whole) =>
        epoch === 0
          ? evaluationView(whole, set.evaluation)
          : trainingView(whole, set, set.augmentation, { seed: SEED, epoch, image }),
      ),
    );
    assert.deepEqual(
      views.map(({ bytes }) => bytes),
      expected,
    );
    assert.ok(Math.max(original.height, original.width) <= 32);
    assert.equal(original.bytes.length, original.height * original.width * 3);
  }
});

test("of many classes a few images are of as many classes, and of one set of seed and epoch the same", (t) => {
  const labels = Array.from({ length: 60 }, (_, i) => i % 20);
  const { train } = CIFAR100.open(writeDataFolder(temporaryFolder(t), labels, [0]));
  const look = () => shownImages(train, 20, { epochs: [3], seed: SEED, reader: never });
  assert.equal(new Set(look().map(({ label }) => label)).size, 20);
  assert.deepEqual(look(), look());
});

test("only images that are shown are decoded", async (t) => {
  const folder = join(temporaryFolder(t), "tiny");
  await TINY_IMAGENET.synthesize(folder, { train: 6, test: 6, seed: 1, classes: 2 });
  const whole = await TINY_IMAGENET.open(folder);
  const [first] = shownImages(whole.test, 1, { epochs: [0], seed: SEED, reader });
  const { names = [] } = whole.test as { names?: readonly string[] };
  for (const name of names.filter((each) => each !== first?.name)) {
    writeFileSync(join(folder, name), "no image");
  }
  const damaged = await TINY_IMAGENET.open(folder);
  const [again] = shownImages(damaged.test, 1, { epochs: [0], seed: SEED, reader });
  assert.deepEqual(again, first);
  assert.throws(() => shownImages(damaged.test, 6, { epochs: [0], seed: SEED, reader }), /cannot be used/);
});
