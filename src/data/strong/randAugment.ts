import type { Random } from "../../common/random.js";
import { brightness, color, contrast, sharpness } from "./blends.js";
import { type ByteImage, CHANNELS } from "./image.js";
import { rotate, shearX, shearY, translateX, translateY } from "./moves.js";
import { autoContrast, equalize, posterize, solarize } from "./tones.js";

/** A change of an image, and the range that its strength is drawn from. */
interface Change {
  readonly of: (image: ByteImage, strength: number) => ByteImage;
  readonly from: number;
  readonly to: number;
}

const change = (of: Change["of"], from = 0, to = 1): Change => ({ of, from, to });

/** Those of FixMatch's RandAugment. */
const CHANGES: readonly Change[] = [
  change(autoContrast),
  change(brightness, 0.05, 0.95),
  change(color, 0.05, 0.95),
  change(contrast, 0.05, 0.95),
  change(equalize),
  change((image) => image),
  change(posterize, 4, 8),
  change(rotate, -30, 30),
  change(sharpness, 0.05, 0.95),
  change(shearX, -0.3, 0.3),
  change(shearY, -0.3, 0.3),
  change(solarize, 0, 256),
  change(translateX, -0.3, 0.3),
  change(translateY, -0.3, 0.3),
];

/** How many changes an image takes, one after the other. */
const TAKEN = 2;
/** Largest side of what is cut out, as a share of the image's. */
const LARGEST_CUT = 0.5;
/** What stands in its place. */
const GRAY = [125, 123, 114];

/**
 * RandAugment as FixMatch has it (Sohn et al. 2020, after Cubuk et al. 2020): two changes of random strength, and a square
 * cut out.
 */
export function randAugment(image: ByteImage, random: Random): ByteImage {
  const within = (from: number, to: number) => from + (to - from) * random.uniform();
  const chosen = Array.from(
    { length: TAKEN },
    () => CHANGES[random.integer(CHANGES.length)] as Change,
  );
  const changed = chosen.reduce((now, { of, from, to }) => of(now, within(from, to)), image);
  const side = within(0, LARGEST_CUT) * image.width;
  return cutOut(changed, side, within(0, image.width), within(0, image.height));
}

/** A gray square in place of what is around a point, as far as it lies in the image. */
export function cutOut(image: ByteImage, side: number, x: number, y: number): ByteImage {
  const { height, width } = image;
  const bytes = image.bytes.slice();
  const [left, top] = [x, y].map((middle) => Math.trunc(Math.max(0, middle - side / 2))) as [
    number,
    number,
  ];
  const right = Math.min(width - 1, Math.trunc(left + side));
  const bottom = Math.min(height - 1, Math.trunc(top + side));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) {
      bytes.set(GRAY, (row * width + column) * CHANNELS);
    }
  }
  return { ...image, bytes };
}
