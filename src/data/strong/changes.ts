import { type ByteImage, CHANNELS, lookedUp, mapped } from "./image.js";

const LEVELS = 256;

type Table = ArrayLike<number>;

const tableOf = (of: (level: number) => number): Uint8Array =>
  Uint8Array.from({ length: LEVELS }, (_, level) => of(level));

const forAll = (image: ByteImage, of: (level: number) => number): ByteImage => {
  const table = tableOf(of);
  return lookedUp(image, Array<Table>(CHANNELS).fill(table));
};

/** How often each level occurs in each color. @returns three times [256] */
function histograms({ bytes }: ByteImage): Int32Array[] {
  const counts = Array.from({ length: CHANNELS }, () => new Int32Array(LEVELS));
  for (let i = 0; i < bytes.length; i++) {
    const count = counts[i % CHANNELS] as Int32Array;
    const level = bytes[i] as number;
    count[level] = (count[level] as number) + 1;
  }
  return counts;
}

const identity = tableOf((level) => level);

/** Each color stretched from its least and largest level to 0 and 255 (Pillow's ImageOps.autocontrast). */
export function autoContrast(image: ByteImage): ByteImage {
  const tables = histograms(image).map((counts) => {
    const low = counts.findIndex((count) => count > 0);
    const high = counts.findLastIndex((count) => count > 0);
    if (high <= low) return identity;
    const scale = 255 / (high - low);
    const offset = -low * scale;
    return tableOf((level) => Math.max(0, Math.min(255, Math.trunc(level * scale + offset))));
  });
  return lookedUp(image, tables);
}

/** Each color's levels spread such that each occurs about equally often (Pillow's ImageOps.equalize). */
export function equalize(image: ByteImage): ByteImage {
  const tables = histograms(image).map((counts) => {
    const present = counts.filter((count) => count > 0);
    const total = present.reduce((sum, count) => sum + count, 0);
    const step = Math.floor((total - (present.at(-1) as number)) / 255);
    if (present.length <= 1 || step === 0) return identity;
    let sum = Math.floor(step / 2);
    return tableOf((level) => {
      const value = Math.floor(sum / step);
      sum += counts[level] as number;
      return Math.min(255, value);
    });
  });
  return lookedUp(image, tables);
}

/** Only the highest bits of each byte. @param bits 1 to 8; a fraction is cut off */
export const posterize = (image: ByteImage, bits: number): ByteImage => {
  const mask = 256 - 2 ** (8 - Math.max(1, Math.trunc(bits)));
  return forAll(image, (level) => level & mask);
};

/** Levels from a threshold on inverted. */
export const solarize = (image: ByteImage, threshold: number): ByteImage =>
  forAll(image, (level) => (level < threshold ? level : 255 - level));

/** Where a pixel (x, y) comes from: x' = a x + b y + c, y' = d x + e y + f. */
type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Fractions of a pixel that Pillow counts in. */
const FIXED = 65536;
const fixed = (value: number): number => Math.floor(value * FIXED + 0.5);

/** The nearest pixel from there for each pixel; black where there is none (Pillow's Image.transform). */
function moved(image: ByteImage, [a, b, c, d, e, f]: Affine): ByteImage {
  const { height, width, bytes } = image;
  const [right, down] = [
    [a, b, c + (a + b) / 2],
    [d, e, f + (d + e) / 2],
  ].map((row) => row.map(fixed)) as [[number, number, number], [number, number, number]];
  const placeOf = ([byX, byY, start]: readonly [number, number, number], x: number, y: number) =>
    Math.floor((start + byX * x + byY * y) / FIXED);
  return mapped(image, (i) => {
    const pixel = Math.floor(i / CHANNELS);
    const [x, y] = [pixel % width, Math.floor(pixel / width)];
    const [fromX, fromY] = [placeOf(right, x, y), placeOf(down, x, y)];
    if (fromX < 0 || fromX >= width || fromY < 0 || fromY >= height) return 0;
    return bytes[(fromY * width + fromX) * CHANNELS + (i % CHANNELS)] as number;
  });
}

/** Turned about its middle. @param degrees against the clock */
export function rotate(image: ByteImage, degrees: number): ByteImage {
  const angle = (degrees * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [image.width / 2, image.height / 2];
  const c = x - cosine * x + sine * y;
  const f = y - sine * x - cosine * y;
  return moved(image, [cosine, -sine, c, sine, cosine, f]);
}

/** Sheared along x. @param by pixels to the left for each line down */
export const shearX = (image: ByteImage, by: number): ByteImage => moved(image, [1, by, 0, 0, 1, 0]);

/** Sheared along y. @param by pixels up for each column to the right */
export const shearY = (image: ByteImage, by: number): ByteImage => moved(image, [1, 0, 0, by, 1, 0]);

/** Shifted to the left. @param share of the width */
export const translateX = (image: ByteImage, share: number): ByteImage =>
  moved(image, [1, 0, share * image.width, 0, 1, 0]);

/** Shifted up. @param share of the height */
export const translateY = (image: ByteImage, share: number): ByteImage =>
  moved(image, [1, 0, 0, 0, 1, share * image.height]);

/** Mixed with another (Pillow's Image.blend). @param factor share of `image`, 0 to 1 @param otherAt the other's byte */
function blended(image: ByteImage, factor: number, otherAt: (position: number) => number): ByteImage {
  const share = Math.fround(factor);
  return mapped(image, (i) => {
    const other = otherAt(i);
    return Math.trunc(Math.fround(other + Math.fround(share * ((image.bytes[i] as number) - other))));
  });
}

/** Brightness of the pixel that a position belongs to (ITU-R 601-2, as Pillow's mode L). */
function lumaAt({ bytes }: ByteImage, position: number): number {
  const start = position - (position % CHANNELS);
  const [red, green, blue] = bytes.subarray(start, start + CHANNELS) as unknown as [number, number, number];
  return (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16;
}

/** Mixed with black. @param factor share of the image, as in all that follow */
export const brightness = (image: ByteImage, factor: number): ByteImage => blended(image, factor, () => 0);

/** Mixed with its gray version. */
export const color = (image: ByteImage, factor: number): ByteImage => blended(image, factor, (i) => lumaAt(image, i));

/** Mixed with its mean brightness. */
export function contrast(image: ByteImage, factor: number): ByteImage {
  let sum = 0;
  for (let i = 0; i < image.bytes.length; i += CHANNELS) sum += lumaAt(image, i);
  const mean = Math.trunc((sum * CHANNELS) / image.bytes.length + 0.5);
  return blended(image, factor, () => mean);
}

/** Mixed with a smoothed version. */
export const sharpness = (image: ByteImage, factor: number): ByteImage => {
  const smoothed = smooth(image);
  return blended(image, factor, (i) => smoothed.bytes[i] as number);
};

/** Each byte's mean with its eight neighbours, itself counted five times; the border stays (Pillow's SMOOTH). */
function smooth(image: ByteImage): ByteImage {
  const { height, width, bytes } = image;
  const line = width * CHANNELS;
  return mapped(image, (i) => {
    const [row, column] = [Math.floor(i / line), Math.floor((i % line) / CHANNELS)];
    const own = bytes[i] as number;
    if (row === 0 || column === 0 || row === height - 1 || column === width - 1) return own;
    let sum = 4 * own;
    for (let down = -line; down <= line; down += line) {
      for (let right = -CHANNELS; right <= CHANNELS; right += CHANNELS) sum += bytes[i + down + right] as number;
    }
    return Math.floor(sum / 13 + 0.5);
  });
}
