import { type ByteImage, CHANNELS, mapped } from "./image.js";

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
