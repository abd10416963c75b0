import { type ByteImage, CHANNELS, mapped } from "./image.js";

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
      for (let right = -CHANNELS; right <= CHANNELS; right += CHANNELS) {
        sum += bytes[i + down + right] as number;
      }
    }
    return Math.floor(sum / 13 + 0.5);
  });
}
