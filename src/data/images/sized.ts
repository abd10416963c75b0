import type { ByteImage } from "../strong/image.js";
import { imageError } from "./problem.js";
import type { DecodedImage, ImageReader } from "./reader.js";
import type { ImageSize } from "./view.js";

/**
 * All pixels of an image.
 * @param size that it must have, where there is one
 * @throws runError for one that cannot be used or has another size
 */
export function pixelsOfSize(
  reader: ImageReader,
  name: string,
  file: Uint8Array,
  size?: ImageSize,
): DecodedImage {
  const image = reader.pixels(name, file);
  if (size === undefined || hasSize(image, size)) return image;
  const [is, wanted] = [image, size].map(({ height, width }) => `${width} x ${height}`);
  throw imageError(name, `it has ${is} pixels instead of ${wanted}`);
}

const hasSize = ({ height, width }: ByteImage, size: ImageSize): boolean =>
  height === size.height && width === size.width;
