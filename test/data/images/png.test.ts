import assert from "node:assert/strict";
import { test } from "node:test";
import { smallPng, storedPng } from "#pefd/data/images/png.js";
import { decodePng } from "../../report/plots/png.js";
import { imageOf } from "./generated.js";

for (const [height, width] of [
  [1, 1],
  [7, 3],
  [33, 70],
] as const) {
  test(`an image of ${width} x ${height} pixels is the same out of a PNG`, () => {
    const image = imageOf(height, width);
    for (const png of [storedPng(image), smallPng(image)]) {
      const read = decodePng(png);
      assert.deepEqual([read.height, read.width, read.channels], [height, width, 3]);
      assert.deepEqual(Uint8Array.from(read.data), image.bytes);
    }
  });
}

test("even colours take less room than they have pixels", () => {
  const image = { height: 50, width: 50, bytes: new Uint8Array(50 * 50 * 3).fill(200) };
  assert.ok(smallPng(image).length < 500);
  assert.ok(storedPng(image).length > 7500);
});
