import assert from "node:assert/strict";
import { test } from "node:test";
import { createRandom } from "#pefd/common/random.js";
import { drawBox, trainingView } from "#pefd/data/images/view.js";

const CROP = { kind: "resized crop", scale: [0.08, 1], ratio: [3 / 4, 4 / 3] } as const;
const SIDE = { height: 224, width: 224 };

test("boxes lie in the image, with an allowed area and ratio", () => {
  const random = createRandom(1, "test");
  const image = { height: 375, width: 500 };
  for (let i = 0; i < 2000; i++) {
    const { top, left, height, width } = drawBox(random, image, CROP);
    assert.ok(top >= 0 && left >= 0 && top + height <= 375 && left + width <= 500);
    const [area, ratio] = [(height * width) / (375 * 500), width / height];
    assert.ok(area > 0.079 && area <= 1, `area ${area}`);
    assert.ok(ratio > 0.74 && ratio < 1.35, `ratio ${ratio}`);
  }
});

/** Where no box can fit, torchvision takes the middle. */
const MIDDLES = [
  [
    { height: 60, width: 1000 },
    { top: 0, left: 460, height: 60, width: 80 },
  ],
  [
    { height: 1000, width: 60 },
    { top: 460, left: 0, height: 80, width: 60 },
  ],
] as const;

for (const [image, box] of MIDDLES) {
  test(`after ten boxes that do not fit into ${image.width} x ${image.height} it is the middle`, () => {
    const whole = { ...CROP, scale: [0.9, 1] } as const;
    assert.deepEqual(drawBox(createRandom(1, "test"), image, whole), box);
  });
}

test("one pixel is its own crop", () => {
  const box = drawBox(createRandom(3, "test"), { height: 1, width: 1 }, CROP);
  assert.deepEqual(box, { top: 0, left: 0, height: 1, width: 1 });
});

test("a view follows from seed, epoch and image, and from nothing else", () => {
  const image = { height: 375, width: 500 };
  const of = (seed: number, epoch: number, index: number) =>
    JSON.stringify(trainingView(image, SIDE, CROP, { seed, epoch, image: index }));
  assert.equal(of(1, 2, 3), of(1, 2, 3));
  assert.equal(new Set([of(1, 2, 3), of(2, 2, 3), of(1, 3, 3), of(1, 2, 4)]).size, 4);
});

test("half of all views are mirrored", () => {
  const views = Array.from({ length: 1000 }, (_, image) =>
    trainingView({ height: 40, width: 50 }, SIDE, CROP, { seed: 1, epoch: 1, image }),
  );
  const flipped = views.filter(({ flip }) => flip).length;
  assert.ok(flipped > 440 && flipped < 560, String(flipped));
});
