import { createRandom, type Random } from "../../common/random.js";
import type { ImagesInMemory } from "../dataset.js";
import { shownPixels, valuesOf } from "../hostBatch.js";
import { knownTable } from "../normalize.js";
import { OUTSIDE } from "../rotation.js";
import { drawAugmentation, PLAN_COLUMNS } from "../sampler.js";
import {
  autoContrast,
  brightness,
  color,
  contrast,
  equalize,
  posterize,
  rotate,
  sharpness,
  shearX,
  shearY,
  solarize,
  translateX,
  translateY,
} from "./changes.js";
import { type ByteImage, CHANNELS } from "./image.js";

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
const GRAY = [125, 123, 114];

/** RandAugment as in FixMatch (Sohn et al. 2020): two changes of random strength, and a square cut out. */
function randAugment(image: ByteImage, random: Random): ByteImage {
  const within = (from: number, to: number) => from + (to - from) * random.uniform();
  const chosen = Array.from({ length: TAKEN }, () => CHANGES[random.integer(CHANGES.length)] as Change);
  const changed = chosen.reduce((now, { of, from, to }) => of(now, within(from, to)), image);
  const side = within(0, LARGEST_CUT) * image.width;
  return cutOut(changed, side, within(0, image.width), within(0, image.height));
}

/** A gray square in place of what is around a point, as far as it lies in the image. */
export function cutOut(image: ByteImage, side: number, x: number, y: number): ByteImage {
  const { height, width } = image;
  const bytes = image.bytes.slice();
  const [left, top] = [x, y].map((middle) => Math.trunc(Math.max(0, middle - side / 2))) as [number, number];
  const right = Math.min(width - 1, Math.trunc(left + side));
  const bottom = Math.min(height - 1, Math.trunc(top + side));
  for (let row = top; row <= bottom; row++) {
    for (let column = left; column <= right; column++) bytes.set(GRAY, (row * width + column) * CHANNELS);
  }
  return { ...image, bytes };
}

export interface StrongSource {
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
}

/**
 * The strong view of the images of sampler rows [n, 4], in their order: a crop and flip of its own, then RandAugment,
 * as in Multi-level Logit Distillation (Jin et al., CVPR 2023); the same for seed, epoch and image, as after a resume.
 * @returns [n, height, width, 3], normalized
 */
export function assembleStrongBatch(
  set: ImagesInMemory,
  planRows: Int32Array,
  { seed, epoch }: StrongSource,
): Float32Array {
  const table = knownTable(set.normalization);
  const size = valuesOf(set);
  const batch = new Float32Array((planRows.length / PLAN_COLUMNS) * size);
  for (let row = 0; row < planRows.length / PLAN_COLUMNS; row++) {
    const index = planRows[row * PLAN_COLUMNS] as number;
    const random = createRandom(seed, "strong view", epoch, index);
    const shown = randAugment(drawn(set, index, random), random).bytes;
    for (let i = 0; i < size; i++) {
      batch[row * size + i] = table[(shown[i] as number) * CHANNELS + (i % CHANNELS)] as number;
    }
  }
  return batch;
}

/** What RandAugment goes on with: the image as training shows it elsewhere, its padding black; not normalized. */
function drawn(set: ImagesInMemory, index: number, random: Random): ByteImage {
  const { images, height, width } = set;
  const [y, x, flip] = drawAugmentation(random, set.augmentation);
  const bytes = new Uint8Array(height * width * CHANNELS);
  for (const [i, pixel] of shownPixels(set, y, x, flip === 1).entries()) {
    if (pixel === OUTSIDE) continue;
    const from = (index * height * width + pixel) * CHANNELS;
    bytes.set(images.subarray(from, from + CHANNELS), i * CHANNELS);
  }
  return { height, width, bytes };
}
