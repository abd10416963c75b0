import type { ImageSize } from "../view.js";

/** A format of image files. */
export interface Format {
  readonly name: "JPEG" | "PNG" | "BMP" | "WebP";
  /** Whether a file begins as those of this format do, whatever its name is. */
  matches(bytes: Buffer): boolean;
  /** @throws ImageProblem for a file that is seen to be damaged without decoding it */
  size(bytes: Buffer): ImageSize;
}
