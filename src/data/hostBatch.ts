import type { Shift } from "./augmentation.js";
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

/** Crops or rotates, flips and normalizes the images of sampler rows [n, 4] (epochPlan). @throws RangeError for `out` */
export function assembleTrainBatch(
  set: ImagesInMemory,
  planRows: Int32Array,
  out: HostBatch = emptyBatch(set, planRows.length / PLAN_COLUMNS),
): HostBatch {
  const count = planRows.length / PLAN_COLUMNS;
  const size = valuesOf(set);
  const show = set.augmentation.kind === "shift" ? shiftedBy(set.augmentation) : turned;
  if (out.labels.length !== count || out.images.length !== count * size) {
    throw new RangeError(`A batch of ${out.labels.length} images cannot take ${count}.`);
  }
  for (let i = 0; i < count; i++) {
    const [index = 0, y = 0, x = 0, flip = 0] = planRows.subarray(i * PLAN_COLUMNS);
    out.labels[i] = set.labels[index] as number;
    show(set, index * size, { y, x, flip: flip === 1 }, out.images, i * size);
  }
  return out;
}

type Planned = { readonly y: number; readonly x: number; readonly flip: boolean };

/** Writes an image, which starts at a place of its set, into a batch from an offset on. */
type Show = (set: ImagesInMemory, start: number, planned: Planned, target: Float32Array, offset: number) => void;

const shiftedBy =
  ({ padding }: Shift): Show =>
  (set, start, { y, x, flip }, target, offset) =>
    augmentImage(set, start, { down: y - padding, right: x - padding, flip }, target, offset);

const turned: Show = (set, start, { y: angle, flip }, target, offset) => {
  const { images, channels, normalization } = set;
  const table = knownTable(normalization);
  for (const [i, pixel] of turnedPixels(set, angle, flip).entries()) {
    const from = pixel === OUTSIDE ? -1 : start + pixel * channels;
    copyPixel(table, images, from, target, offset + i * channels);
  }
};

function augmentImage(
  { images, height, width, channels, normalization }: ImagesInMemory,
  start: number,
  { down, right, flip }: { readonly down: number; readonly right: number; readonly flip: boolean },
  target: Float32Array,
  offset: number,
): void {
  const table = knownTable(normalization);
  const rowValues = width * channels;
  for (let row = 0; row < height; row++) {
    const sourceRow = row + down;
    const inside = sourceRow >= 0 && sourceRow < height;
    const from = start + sourceRow * rowValues;
    let out = offset + row * rowValues;
    for (let column = 0; column < width; column++, out += channels) {
      const sourceColumn = (flip ? width - 1 - column : column) + right;
      const visible = inside && sourceColumn >= 0 && sourceColumn < width;
      copyPixel(table, images, visible ? from + sourceColumn * channels : -1, target, out);
    }
  }
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

function emptyBatch(shape: ImageShape, count: number): HostBatch {
  return { images: new Float32Array(count * valuesOf(shape)), labels: new Int32Array(count) };
}
