import { ImageProblem } from "../problem.js";
import type { ImageSize } from "../view.js";
import { BMP, PNG, WEBP } from "./fixed.js";
import type { Format } from "./format.js";
import { JPEG } from "./jpeg.js";

/** What a file says of itself. */
export interface Header extends ImageSize {
  readonly format: Format["name"];
}

const FORMATS: readonly Format[] = [JPEG, PNG, BMP, WEBP];

/** More than that is refused: the bound at which Pillow speaks of a decompression bomb. Three bytes a pixel are needed. */
export const MOST_PIXELS = 178_956_970;

/** The bytes as a Buffer, which has what is needed to look into them. */
const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function sizeIn(format: Format, bytes: Buffer): ImageSize {
  try {
    return format.size(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw new ImageProblem(`the ${format.name} is cut short`);
    throw error;
  }
}

/**
 * Format and size of an image file, from its first bytes.
 * @throws ImageProblem for what is no image, is damaged as far as can be seen, or has more than MOST_PIXELS
 */
export function readHeader(file: Uint8Array): Header {
  const bytes = bufferOf(file);
  if (bytes.length === 0) throw new ImageProblem("it is empty");
  const format = FORMATS.find((each) => each.matches(bytes));
  if (format === undefined) throw new ImageProblem("it is no JPEG, PNG, BMP or WebP");
  const { height, width } = sizeIn(format, bytes);
  if (height === 0 || width === 0) {
    throw new ImageProblem(`the ${format.name} says that it is ${width} x ${height} pixels`);
  }
  if (height * width > MOST_PIXELS) {
    throw new ImageProblem(
      `${width} x ${height} pixels are more than ${MOST_PIXELS}, the most that are decoded`,
    );
  }
  return { format: format.name, height, width };
}
