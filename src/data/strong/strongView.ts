import { createRandom, type Random } from "../../common/random.js";
import { cropOffsets, type Shift } from "../augmentation.js";
import type { ImagesInMemory } from "../dataset.js";
import { valuesOf } from "../hostBatch.js";
import { knownTable } from "../normalize.js";
import { drawAngle, OUTSIDE, turnedPixels } from "../rotation.js";
import { PLAN_COLUMNS } from "../sampler.js";
import { type ByteImage, CHANNELS } from "./image.js";
import { randAugment } from "./randAugment.js";

/** What the strong view of an image follows from, besides the image. */
export interface StrongSource {
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
}

/**
 * The strong view of the images that plan rows name, in their order: a crop and flip of its own, then RandAugment, as
 * Multi-level Logit Distillation has it (Jin et al., CVPR 2023). It follows from seed, epoch and image alone, so that a
 * run goes on with the same ones.
 * @param planRows [n, 4], see sampler.ts
 * @returns [n, height, width, 3], normalised
 */
export function assembleStrongBatch(
  set: ImagesInMemory,
  planRows: Int32Array,
  { seed, epoch }: StrongSource,
): Float32Array {
  const draw = drawOf(set);
  const table = knownTable(set.normalization);
  const size = valuesOf(set);
  const batch = new Float32Array((planRows.length / PLAN_COLUMNS) * size);
  for (let row = 0; row < planRows.length / PLAN_COLUMNS; row++) {
    const index = planRows[row * PLAN_COLUMNS] as number;
    const random = createRandom(seed, "strong view", epoch, index);
    const shown = randAugment(draw(index, random), random).bytes;
    for (let i = 0; i < size; i++) {
      batch[row * size + i] = table[(shown[i] as number) * CHANNELS + (i % CHANNELS)] as number;
    }
  }
  return batch;
}

/** Draws what RandAugment goes on with: the image as training shows it elsewhere. */
function drawOf(set: ImagesInMemory): (index: number, random: Random) => ByteImage {
  const { augmentation } = set;
  if (augmentation.kind === "rotation") {
    return (index, random) =>
      turned(set, index, drawAngle(random, augmentation), random.integer(2) === 1);
  }
  const offsets = cropOffsets(augmentation);
  return (index, random) => {
    const [down, right] = [random.integer(offsets), random.integer(offsets)];
    const flip = random.integer(2) === 1;
    return shifted(set, augmentation, index, { down, right, flip });
  };
}

/** An image that was turned, and its mirror image where it is flipped; not normalised. */
function turned(set: ImagesInMemory, index: number, angle: number, flip: boolean): ByteImage {
  const { images, height, width } = set;
  const bytes = new Uint8Array(height * width * CHANNELS);
  for (const [i, pixel] of turnedPixels(set, angle, flip).entries()) {
    if (pixel === OUTSIDE) continue;
    const from = (index * height * width + pixel) * CHANNELS;
    bytes.set(images.subarray(from, from + CHANNELS), i * CHANNELS);
  }
  return { height, width, bytes };
}

/** A crop of an image, its padding black, and its mirror image where it is flipped; not normalised. */
function shifted(
  { images, height, width }: ImagesInMemory,
  { padding }: Shift,
  index: number,
  { down, right, flip }: { readonly down: number; readonly right: number; readonly flip: boolean },
): ByteImage {
  const bytes = new Uint8Array(height * width * CHANNELS);
  for (let row = 0; row < height; row++) {
    const y = row + down - padding;
    for (let column = 0; column < width; column++) {
      const x = (flip ? width - 1 - column : column) + right - padding;
      if (y < 0 || y >= height || x < 0 || x >= width) continue;
      const from = ((index * height + y) * width + x) * CHANNELS;
      bytes.set(images.subarray(from, from + CHANNELS), (row * width + column) * CHANNELS);
    }
  }
  return { height, width, bytes };
}
