import type { Random } from "../common/random.js";
import type { Rotation } from "./augmentation.js";
import type { ImageShape } from "./dataset.js";

/** Angles of sampler rows are integers in this fraction of a degree. */
const PARTS_OF_DEGREE = 1e6;

/** An angle of a rotation, uniform within its bounds, in parts of a degree. */
export function drawAngle(random: Random, { degrees }: Rotation): number {
  const most = degrees * PARTS_OF_DEGREE;
  return random.integer(2 * most + 1) - most;
}

/** Pillow rounds a turn's sine and cosine to so many decimals, and has coordinates in units of 2^-16 pixels. */
const DECIMALS = 15;
const UNIT = 2 ** 16;

const rounded = (value: number): number => Number(value.toFixed(DECIMALS));
const fixed = (value: number): number => Math.floor(value * UNIT + 0.5);

/** Of no pixel: black. */
export const OUTSIDE = -1;

/**
 * The pixel that each pixel of an image shows once it was turned counterclockwise about its middle, and then flipped:
 * torchvision's RandomRotation with Pillow (nearest neighbour, the size kept, black coming in).
 * @param angle in parts of a degree
 * @returns [height * width] indices of pixels, OUTSIDE where none is
 */
export function turnedPixels(
  { height, width }: Pick<ImageShape, "height" | "width">,
  angle: number,
  flip: boolean,
): Int32Array {
  // A turn of x and y by a matrix [[cosine, sine], [-sine, cosine]]; every sum is in Pillow's order.
  const degrees = angle / PARTS_OF_DEGREE;
  const radians = -((degrees < 0 ? degrees + 360 : degrees) * (Math.PI / 180));
  const [cosine, sine] = [rounded(Math.cos(radians)), rounded(Math.sin(radians))];
  const [x0, y0] = [width / 2, height / 2];
  const startX = cosine * -x0 + sine * -y0 + x0;
  const startY = -sine * -x0 + cosine * -y0 + y0;
  let lineX = fixed(startX + cosine * 0.5 + sine * 0.5);
  let lineY = fixed(startY - sine * 0.5 + cosine * 0.5);
  const pixels = new Int32Array(height * width).fill(OUTSIDE);
  for (let row = 0; row < height; row++) {
    let [x, y] = [lineX, lineY];
    for (let column = 0; column < width; column++) {
      const [fromX, fromY] = [x >> 16, y >> 16];
      const isInside = fromX >= 0 && fromX < width && fromY >= 0 && fromY < height;
      const to = row * width + (flip ? width - 1 - column : column);
      if (isInside) pixels[to] = fromY * width + fromX;
      x += fixed(cosine);
      y += fixed(-sine);
    }
    lineX += fixed(sine);
    lineY += fixed(cosine);
  }
  return pixels;
}
