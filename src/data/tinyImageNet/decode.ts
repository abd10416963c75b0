import { nativeBackend } from "../../runtime/native.js";
import type { ImageFormat } from "../dataset.js";
import { openImageReader } from "../images/reader.js";
import { pixelsOfSize } from "../images/sized.js";

/** Encoded images of one size. */
export interface Encoded {
  readonly names: readonly string[];
  readonly files: readonly Uint8Array[];
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
    images.set(pixelsOfSize(reader, names[i] as string, file, format).bytes, i * size);
  }
  return images;
}
