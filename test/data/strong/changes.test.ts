import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import * as changes from "#pefd/data/strong/changes.js";
import type { ByteImage } from "#pefd/data/strong/image.js";
import { cutOut } from "#pefd/data/strong/strongView.js";
import { ROOT } from "../../helpers/paths.js";

/**
 * What Pillow 13.0.0 makes of some images, as RandAugment calls it: sha256 of the bytes, and eight of them.
 */
type GoldenFile = Readonly<Record<string, readonly Golden[]>>;

type Change = (image: ByteImage, strength: number) => ByteImage;

interface Golden {
  readonly seed: number;
  readonly value: number;
  readonly sha256: string;
  readonly probe8: readonly number[];
}

const CHANGES: Readonly<Record<string, Change>> = changes;
const GOLDEN: GoldenFile = JSON.parse(readFileSync(join(ROOT, "test/data/strong/pillow.json"), "utf8"));
const SIDE = 32;

/** The images that pillow.json was made with. */
function imageOf(seed: number): ByteImage {
  const byteAt = (x: number, y: number, colour: number) =>
    ((x * 5 * (colour + 1) + y * 7 + seed * 13 + ((x * x * 31 + y * 17 + colour * 11 + seed) % 23) * 3) % 200) + 20;
  const bytes = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) =>
    byteAt(Math.floor(i / 3) % SIDE, Math.floor(i / 3 / SIDE), i % 3),
  );
  return { height: SIDE, width: SIDE, bytes };
}

for (const [name, entries] of Object.entries(GOLDEN)) {
  test(`${name} gives Pillow's bytes`, () => {
    for (const { seed, value, sha256, probe8 } of entries) {
      const { bytes } = (CHANGES[name] as Change)(imageOf(seed), value);
      const probes = probe8.map((_, j) => bytes[Math.floor(((2 * j + 1) * bytes.length) / 16)]);
      assert.deepEqual(probes, probe8, `strength ${value}`);
      assert.equal(createHash("sha256").update(bytes).digest("hex"), sha256, `strength ${value}`);
    }
  });
}

test("an image of one colour has no contrast to stretch and no levels to spread", () => {
  const bytes = new Uint8Array(SIDE * SIDE * 3).fill(90);
  const image = { height: SIDE, width: SIDE, bytes };
  assert.deepEqual(changes.autoContrast(image).bytes, bytes);
  assert.deepEqual(changes.equalize(image).bytes, bytes);
});

test("what is cut out is gray, and ends at the image's edge", () => {
  const image = { height: 4, width: 4, bytes: new Uint8Array(48) };
  const gray = ({ bytes }: ByteImage) => Array.from({ length: 16 }, (_, i) => bytes[3 * i] === 125);
  const rows = (cut: ByteImage) =>
    [0, 4, 8, 12].map((at) =>
      gray(cut)
        .slice(at, at + 4)
        .map(Number)
        .join(""),
    );
  assert.deepEqual(rows(cutOut(image, 1, 1.5, 2.5)), ["0000", "0000", "0110", "0110"]);
  assert.deepEqual(rows(cutOut(image, 2, 3.9, 0.1)), ["0011", "0011", "0011", "0000"]);
});
