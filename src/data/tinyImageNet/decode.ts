import { nativeBackend } from "../../runtime/native.js";
import type { ImageFormat, PixelReader } from "../dataset.js";
import { ImageProblem, imageError } from "../images/problem.js";
import { openImageReader } from "../images/reader.js";

/** Encoded images of one size. */
export interface Encoded {
  readonly names: readonly string[];
  readonly files: readonly Uint8Array[];
}

/**
 * The pixels of one image.
 * @throws runError for one that cannot be used or is of another size
 */
export function pixelsOf(
  reader: PixelReader,
  name: string,
  file: Uint8Array,
  { height, width }: Pick<ImageFormat, "height" | "width">,
): Uint8Array {
  const image = reader.pixels(name, file);
  if (image.height === height && image.width === width) return image.bytes;
  const { message } = new ImageProblem(
    `it has ${image.width} x ${image.height} pixels instead of ${width} x ${height}`,
  );
  throw imageError(name, message);
}

/**
 * Decodes images into memory. TensorFlow must be loaded.
 * @returns [n, height, width, 3] bytes
 * @throws runError for an image that cannot be used
 */
export function decodeAll({ names, files }: Encoded, format: ImageFormat): Uint8Array {
  const reader = openImageReader(nativeBackend().binding);
  const size = format.height * format.width * 3;
  const images = new Uint8Array(files.length * size);
  for (const [i, file] of files.entries()) {
    images.set(pixelsOf(reader, names[i] as string, file, format), i * size);
  }
  return images;
}
