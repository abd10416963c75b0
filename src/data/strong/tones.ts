import { type ByteImage, CHANNELS, lookedUp } from "./image.js";

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
