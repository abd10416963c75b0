import type { ImageShape, ImagesInMemory } from "./dataset.js";
import { knownTable } from "./normalize.js";
import { OUTSIDE, turnedPixels } from "./rotation.js";
import { PLAN_COLUMNS } from "./sampler.js";

export interface HostBatch {
  /** [n, height, width, 3], normalized. */
  readonly images: Float32Array;
  /** [n] */
  readonly labels: Int32Array;
}

/** Values of one image. */
export const valuesOf = ({ height, width, channels }: ImageShape): number => height * width * channels;

/**
 * Crops (from the zero-padded image) or rotates, then flips and normalizes the images of sampler rows.
 * @param planRows [n, 4] rows (image index, crop y, crop x, flip 0 or 1), see epochPlan
 * @param out a batch of the same n to write into; a new one by default
 * @throws RangeError if `out` is of another size
 */
export function assembleTrainBatch(
  set: ImagesInMemory,
  planRows: Int32Array,
  out: HostBatch = emptyBatch(set, planRows.length / PLAN_COLUMNS),
): HostBatch {
  const count = planRows.length / PLAN_COLUMNS;
  const size = valuesOf(set);
  if (out.labels.length !== count || out.images.length !== count * size) {
    throw new RangeError(`A batch of ${out.labels.length} images cannot take ${count}.`);
  }
  const { images, labels, channels } = set;
  const table = knownTable(set.normalization);
  for (let i = 0; i < count; i++) {
    const [index = 0, y = 0, x = 0, flip = 0] = planRows.subarray(i * PLAN_COLUMNS);
    out.labels[i] = labels[index] as number;
    const pixels = shownPixels(set, y, x, flip === 1);
    for (let at = 0; at < pixels.length; at++) {
      const pixel = pixels[at] as number;
      const from = pixel === OUTSIDE ? -1 : index * size + pixel * channels;
      copyPixel(table, images, from, out.images, i * size + at * channels);
    }
  }
  return out;
}

/**
 * The pixel of an image that each pixel of its view shows, as the numbers of a sampler row say.
 * @returns [height * width] indices of pixels, OUTSIDE for zero padding
 */
export function shownPixels(set: ImagesInMemory, y: number, x: number, flip: boolean): Int32Array {
  const { height, width, augmentation } = set;
  if (augmentation.kind === "rotation") return turnedPixels(set, y, flip);
  const [down, right] = [y - augmentation.padding, x - augmentation.padding];
  const pixels = new Int32Array(height * width).fill(OUTSIDE);
  for (let row = Math.max(0, -down); row < Math.min(height, height - down); row++) {
    for (let column = 0; column < width; column++) {
      const from = (flip ? width - 1 - column : column) + right;
      if (from >= 0 && from < width) pixels[row * width + column] = (row + down) * width + from;
    }
  }
  return pixels;
}

/** Normalizes one pixel; a negative position stands for the zero padding. */
function copyPixel(table: Float32Array, source: Uint8Array, position: number, target: Float32Array, out: number): void {
  for (let channel = 0; channel < 3; channel++) {
    const value = position < 0 ? 0 : (source[position + channel] as number);
    target[out + channel] = table[value * 3 + channel] as number;
  }
}

/** Normalizes the images [from, to) as they are, for evaluation; `to` is at most set.count. */
export function assembleTestBatch(set: ImagesInMemory, from: number, to: number): HostBatch {
  const batch = emptyBatch(set, to - from);
  batch.labels.set(set.labels.subarray(from, to));
  const size = valuesOf(set);
  const table = knownTable(set.normalization);
  const pixels = set.images.subarray(from * size, to * size);
  for (let i = 0; i < pixels.length; i += 3) copyPixel(table, pixels, i, batch.images, i);
  return batch;
}

/** A batch laid over memory of at least batchBytes. */
export function hostBatchIn(memory: SharedArrayBuffer, shape: ImageShape, count: number): HostBatch {
  const values = count * valuesOf(shape);
  return { images: new Float32Array(memory, 0, values), labels: new Int32Array(memory, 4 * values, count) };
}

export const batchBytes = (shape: ImageShape, count: number): number => 4 * count * (valuesOf(shape) + 1);

function emptyBatch(shape: ImageShape, count: number): HostBatch {
  return { images: new Float32Array(count * valuesOf(shape)), labels: new Int32Array(count) };
}
