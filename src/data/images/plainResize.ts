// Without imports at run time: the page of `pefd convert --page` has this module's text, too.
import type { ImageSize, View } from "./view.js";

/** Weights are fixed-point integers with 22 fraction bits, as in Pillow. */
const WEIGHT_BITS = 22;
const HALF = 1 << (WEIGHT_BITS - 1);
const CHANNELS = 3;

/** Resampling weights along one axis: output i uses taps[i] pixels from first[i] on; its weights start at i * most. */
interface Axis {
  readonly count: number;
  readonly most: number;
  readonly first: Int32Array;
  readonly taps: Int32Array;
  readonly weights: Int32Array;
}

/** `length` pixels from `from` on become `size`, of which `count` from `start` on are wanted. */
function axisOf(from: number, length: number, size: number, start: number, count: number): Axis {
  const scale = length / size;
  const support = Math.max(scale, 1);
  const inverse = 1 / support;
  const most = 2 * Math.ceil(support) + 1;
  const [first, taps] = [new Int32Array(count), new Int32Array(count)];
  const weights = new Int32Array(count * most);
  const exact = new Float64Array(most);
  for (let i = 0; i < count; i++) {
    const middle = (start + i + 0.5) * scale;
    const begin = Math.max(0, Math.trunc(middle - support + 0.5));
    const end = Math.min(length, Math.trunc(middle + support + 0.5));
    let sum = 0;
    for (let tap = 0; tap < end - begin; tap++) {
      const weight = Math.max(0, 1 - Math.abs((tap + begin - middle + 0.5) * inverse));
      exact[tap] = weight;
      sum += weight;
    }
    for (let tap = 0; tap < end - begin; tap++) {
      weights[i * most + tap] = Math.trunc(0.5 + ((exact[tap] as number) / sum) * 2 ** WEIGHT_BITS);
    }
    first[i] = from + begin;
    taps[i] = end - begin;
  }
  return { count, most, first, taps, weights };
}

/** One result of one color: pixels from `at` on, `stride` apart. */
function weighted(
  pixels: ArrayLike<number>,
  at: number,
  stride: number,
  { weights, most, taps }: Axis,
  i: number,
): number {
  let sum = HALF;
  for (let tap = 0; tap < (taps[i] as number); tap++) {
    sum += (pixels[at + tap * stride] as number) * (weights[i * most + tap] as number);
  }
  return sum >> WEIGHT_BITS;
}

/** Rows from `top` on, `rows` of them, resized across. @returns [rows, axis.count, 3] */
function across(
  pixels: ArrayLike<number>,
  width: number,
  rows: { readonly top: number; readonly count: number },
  axis: Axis,
  flip: boolean,
): Uint8Array {
  const result = new Uint8Array(rows.count * axis.count * CHANNELS);
  let out = 0;
  for (let row = 0; row < rows.count; row++) {
    const line = (rows.top + row) * width;
    for (let x = 0; x < axis.count; x++) {
      const i = flip ? axis.count - 1 - x : x;
      const at = (line + (axis.first[i] as number)) * CHANNELS;
      for (let c = 0; c < CHANNELS; c++) result[out++] = weighted(pixels, at + c, CHANNELS, axis, i);
    }
  }
  return result;
}

/**
 * A view with the bytes of Pillow up to 12 (bilinear, antialiased, across first), as src/native computes it, too.
 * @param pixels [height, width, 3], RGB interleaved, each 0 to 255
 * @returns [window.height, window.width, 3]
 */
export function plainResize(pixels: ArrayLike<number>, image: ImageSize, view: View): Uint8Array {
  const { box, size, window, flip } = view;
  const right = axisOf(box.left, box.width, size.width, window.left, window.width);
  const down = axisOf(box.top, box.height, size.height, window.top, window.height);
  const [top, last] = [down.first[0] as number, down.count - 1];
  const count = (down.first[last] as number) + (down.taps[last] as number) - top;
  const rows = across(pixels, image.width, { top, count }, right, flip);
  const line = window.width * CHANNELS;
  const result = new Uint8Array(window.height * line);
  for (let y = 0; y < down.count; y++) {
    const from = ((down.first[y] as number) - top) * line;
    for (let x = 0; x < line; x++) result[y * line + x] = weighted(rows, from + x, line, down, y);
  }
  return result;
}
