import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { plainResize } from "#pefd/data/images/plainResize.js";
import {
  type Box,
  boxView,
  evaluationView,
  resizedSize,
  roundHalfEven,
  type View,
  wholeOf,
} from "#pefd/data/images/view.js";
import { imageOf, PILLOW } from "./generated.js";

const boxOf = ([top = 0, left = 0, height = 0, width = 0]: readonly number[]): Box => ({
  top,
  left,
  height,
  width,
});

for (const { image, box, size, window, flip, sha256 } of PILLOW.views) {
  test(`a box ${box} resized to ${size} has Pillow's bytes`, () => {
    const source = imageOf(...image);
    const view: View = {
      box: boxOf(box),
      window: boxOf(window),
      flip,
      size: { height: size[0], width: size[1] },
    };
    const shown = plainResize(source.bytes, source, view);
    assert.equal(createHash("sha256").update(shown).digest("hex"), sha256);
  });
}

test("an image of its own size stays as it is, and flipped twice it does too", () => {
  const image = imageOf(9, 14);
  const same = plainResize(image.bytes, image, boxView(wholeOf(image), image, false));
  assert.deepEqual(same, image.bytes);
  const once = plainResize(image.bytes, image, boxView(wholeOf(image), image, true));
  assert.notDeepEqual(once, image.bytes);
  assert.deepEqual(once.subarray(0, 3), image.bytes.subarray(13 * 3, 14 * 3));
  assert.deepEqual(plainResize(once, image, boxView(wholeOf(image), image, true)), image.bytes);
});

test("Resize cuts the long side to whole pixels, as torchvision does", () => {
  const sizeOf = (width: number, height: number) => {
    const size = resizedSize({ height, width }, 256);
    return [size.width, size.height];
  };
  assert.deepEqual(sizeOf(500, 413), [309, 256]); // 309.9
  assert.deepEqual(sizeOf(413, 500), [256, 309]);
  assert.deepEqual(sizeOf(7, 7), [256, 256]);
  assert.deepEqual(sizeOf(1, 1000), [256, 256000]);
});

test("CenterCrop rounds halves to even, as Python does", () => {
  assert.deepEqual([0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6].map(roundHalfEven), [0, 2, 2, 0, -2, 2, 3]);
  const left = (width: number) => evaluationView({ height: 256, width }, { resize: 256, crop: 224 }).window.left;
  assert.deepEqual([256, 257, 258, 259].map(left), [16, 16, 17, 18]);
});
