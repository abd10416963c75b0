import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createRandom } from "#pefd/common/random.js";
import type { ImagesInMemory } from "#pefd/data/dataset.js";
import { assembleTestBatch, assembleTrainBatch } from "#pefd/data/hostBatch.js";
import { normalizationTable } from "#pefd/data/normalize.js";
import { drawAngle, OUTSIDE, turnedPixels } from "#pefd/data/rotation.js";
import { epochPlan, PLAN_COLUMNS } from "#pefd/data/sampler.js";
import { assembleStrongBatch } from "#pefd/data/strong/strongView.js";
import { TINY_IMAGENET } from "#pefd/data/tinyImageNet/tinyImageNet.js";
import { unitValue } from "../golden/compare/formula.js";
import { missingPython, runPython } from "../helpers/python.js";

const SIDE = 64;
const { format } = TINY_IMAGENET;
const { augmentation } = format;

/** Noise, so that every pixel tells where it is from. */
const BYTES = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => Math.floor(256 * unitValue(5, i)));

const SET: ImagesInMemory = {
  kind: "memory",
  ...format,
  images: BYTES,
  labels: Uint8Array.of(3),
  count: 1,
};

/** Bytes of the image, turned. */
function turned(bytes: Uint8Array, side: number, angle: number, flip = false): Uint8Array {
  const pixels = turnedPixels({ height: side, width: side }, angle, flip);
  return Uint8Array.from({ length: 3 * pixels.length }, (_, i) => {
    const pixel = pixels[Math.floor(i / 3)] as number;
    return pixel === OUTSIDE ? 0 : (bytes[3 * pixel + (i % 3)] as number);
  });
}

const sha256 = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** sha256 of the image that Pillow 13 turned, by angles in millionths of a degree. */
const PILLOW: readonly (readonly [angle: number, sha256: string])[] = [
  [0, "1c36eef4145feda53fd926131a2871d01a5d97317574369e4c02075c06130560"],
  [1, "1c36eef4145feda53fd926131a2871d01a5d97317574369e4c02075c06130560"],
  [500000, "1c36eef4145feda53fd926131a2871d01a5d97317574369e4c02075c06130560"],
  [-500000, "1c36eef4145feda53fd926131a2871d01a5d97317574369e4c02075c06130560"],
  [7123457, "cac722a70d62c8a9c058d764ba86a24fb5eb4670af397b051baa90b28d04714b"],
  [-12345678, "fe9a51a1aa2a7cc5d30afc84353897e878118516b360ff610dcadee1b353d5eb"],
  [19999999, "e3fc4a1a965df51a8b5cd13af1f937c898a747bec98f4a9578114f813b2d7ea8"],
  [-20000000, "601481dfc9c71e66132d328d94023665202398c0f1ba2f62506479f38531e343"],
  [45000000, "3b13e77966949abd035bafff3b9384c3189328d185cf1e09c72c20595772d373"],
];

for (const [angle, expected] of PILLOW) {
  test(`turned by ${angle / 1e6} degrees, every byte is Pillow's`, () => {
    assert.equal(sha256(turned(BYTES, SIDE, angle)), expected);
  });
}

const PEER = `
import sys, json, hashlib, numpy
from PIL import Image, ImageOps
side, bytes_, cases = json.loads(sys.argv[1])
image = Image.fromarray(numpy.array(bytes_, dtype=numpy.uint8).reshape(side, side, 3))
def shown(angle, flip):
    out = image.rotate(angle / 1e6, Image.Resampling.NEAREST, False, None, fillcolor=(0, 0, 0))
    return hashlib.sha256((ImageOps.mirror(out) if flip else out).tobytes()).hexdigest()
print(json.dumps([shown(*case) for case in cases]))
`;

test("random angles and sizes: every byte is Pillow's, mirrored too", {
  skip: missingPython("PIL", "numpy"),
}, () => {
  const random = createRandom(1, "angles");
  for (const side of [SIDE, 33]) {
    const bytes = BYTES.subarray(0, side * side * 3);
    const cases = Array.from({ length: 400 }, (_, i): [number, boolean] => [
      drawAngle(random, { kind: "rotation", degrees: i % 2 === 0 ? 20 : 180 }),
      i % 3 === 0,
    ]);
    const expected = JSON.parse(runPython(PEER, [JSON.stringify([side, [...bytes], cases])]));
    cases.forEach(([angle, flip], i) => {
      const own = sha256(turned(bytes, side, angle, flip));
      assert.equal(own, expected[i], `side ${side}, ${angle} ${flip}`);
    });
  }
});

test("angles are uniform within 20 degrees each way, and images mirrored half of the time", () => {
  const count = 20_000;
  const plan = epochPlan(10, 1, count, augmentation);
  const column = (index: number) => plan.filter((_, i) => i % PLAN_COLUMNS === index);
  const angles = [...column(1)].map((angle) => angle / 1e6);
  assert.ok(Math.min(...angles) >= -20 && Math.max(...angles) <= 20);
  for (const edge of [-10, 0, 10]) {
    const share = angles.filter((angle) => angle < edge).length / count;
    assert.ok(Math.abs(share - (edge + 20) / 40) < 0.018, `below ${edge}: ${share}`);
  }
  const flipped = column(3).reduce((sum, flip) => sum + flip, 0) / count;
  assert.ok(Math.abs(flipped - 0.5) < 0.018, `${flipped}`);
  assert.notDeepEqual(epochPlan(10, 2, count, augmentation), plan);
  assert.deepEqual(epochPlan(10, 1, count, augmentation), plan);
});

test("a batch has the turned image, normalised; evaluation has it as it is", () => {
  const [angle, flip] = [-12_345_678, 1];
  const table = normalizationTable(format.normalization);
  const normalised = (bytes: Uint8Array) =>
    Float32Array.from(bytes, (value, i) => table[3 * value + (i % 3)] as number);
  const { images, labels } = assembleTrainBatch(SET, Int32Array.of(0, angle, 0, flip));
  assert.deepEqual(images, normalised(turned(BYTES, SIDE, angle, true)));
  assert.deepEqual([...labels], [3]);
  const plain = assembleTrainBatch(SET, Int32Array.of(0, 0, 0, 0)).images;
  assert.deepEqual(plain, normalised(BYTES));
  assert.deepEqual(plain, assembleTestBatch(SET, 0, 1).images);
});

test("a strong view of a turned image follows from seed, epoch and image", () => {
  const rows = Int32Array.of(0, 0, 0, 0);
  const view = (epoch: number) => assembleStrongBatch(SET, rows, { seed: 1, epoch });
  assert.deepEqual(view(1), view(1));
  assert.notDeepEqual(view(1), view(2));
});
