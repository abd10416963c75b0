import { IMAGE_BYTES, IMAGE_SIZE } from "./cifar/records.js";
import type { ImageSet } from "./dataset.js";
import { normalizationTable } from "./normalize.js";
import { CROP_PADDING, PLAN_COLUMNS } from "./sampler.js";

/** A batch in host memory. */
export interface HostBatch {
  /** [n, 32, 32, 3], normalised. */
  readonly images: Float32Array;
  /** [n] */
  readonly labels: Int32Array;
}

const TABLE = normalizationTable();
const ROW_VALUES = IMAGE_SIZE * 3;

/**
 * Crops, flips and normalises the images that the rows of a plan name, in that order: the crop is taken
 * from the image zero-padded by 4 pixels, and the flip mirrors the cropped image.
 * @param set the training images
 * @param planRows [n, 4] rows (image index, crop y 0..8, crop x 0..8, flip 0 or 1), see epochPlan
 * @param out a batch of the same n to write into; a new one when left out
 * @throws RangeError if `out` is of another size
 */
export function assembleTrainBatch(
  set: ImageSet,
  planRows: Int32Array,
  out: HostBatch = emptyBatch(planRows.length / PLAN_COLUMNS),
): HostBatch {
  const count = planRows.length / PLAN_COLUMNS;
  if (out.labels.length !== count || out.images.length !== count * IMAGE_BYTES) {
    throw new RangeError(`A batch of ${out.labels.length} images cannot take ${count}.`);
  }
  for (let i = 0; i < count; i++) {
    const [index = 0, y = 0, x = 0, flip = 0] = planRows.subarray(i * PLAN_COLUMNS);
    out.labels[i] = set.labels[index] as number;
    const shift = { down: y - CROP_PADDING, right: x - CROP_PADDING, flip: flip === 1 };
    augmentImage(set.images, index * IMAGE_BYTES, shift, out.images, i * IMAGE_BYTES);
  }
  return out;
}

/** Output pixel (r, c) is source pixel (r + down, c + right), with 31 - c in place of c if flipped. */
interface Augmentation {
  readonly down: number;
  readonly right: number;
  readonly flip: boolean;
}

function augmentImage(
  source: Uint8Array,
  start: number,
  { down, right, flip }: Augmentation,
  target: Float32Array,
  offset: number,
): void {
  for (let row = 0; row < IMAGE_SIZE; row++) {
    const sourceRow = row + down;
    const inside = sourceRow >= 0 && sourceRow < IMAGE_SIZE;
    const from = start + sourceRow * ROW_VALUES;
    let out = offset + row * ROW_VALUES;
    for (let column = 0; column < IMAGE_SIZE; column++, out += 3) {
      const sourceColumn = (flip ? IMAGE_SIZE - 1 - column : column) + right;
      const visible = inside && sourceColumn >= 0 && sourceColumn < IMAGE_SIZE;
      copyPixel(source, visible ? from + sourceColumn * 3 : -1, target, out);
    }
  }
}

/** Normalises one pixel; a negative position stands for the zero padding. */
function copyPixel(source: Uint8Array, position: number, target: Float32Array, out: number): void {
  for (let channel = 0; channel < 3; channel++) {
    const value = position < 0 ? 0 : (source[position + channel] as number);
    target[out + channel] = TABLE[value * 3 + channel] as number;
  }
}

/**
 * Normalises the images [from, to) as they are, for evaluation.
 * @param from first image
 * @param to one past the last image, at most set.count
 */
export function assembleTestBatch(set: ImageSet, from: number, to: number): HostBatch {
  const batch = emptyBatch(to - from);
  batch.labels.set(set.labels.subarray(from, to));
  const pixels = set.images.subarray(from * IMAGE_BYTES, to * IMAGE_BYTES);
  for (let i = 0; i < pixels.length; i += 3) copyPixel(pixels, i, batch.images, i);
  return batch;
}

function emptyBatch(count: number): HostBatch {
  return { images: new Float32Array(count * IMAGE_BYTES), labels: new Int32Array(count) };
}
