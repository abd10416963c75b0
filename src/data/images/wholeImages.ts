import { PefdError } from "../../common/errors.js";
import { sha256 } from "../checksums.js";
import type { WholeFile } from "../examine.js";
import type { Labels } from "../subset.js";

/** Encoded images that are to be examined. */
export interface EncodedImages {
  /** How lists name each image. */
  readonly names: readonly string[];
  readonly labels: Labels;
  /** sha256 by which runs know them. */
  readonly sha256: string;
  /** @throws runError or inputError for one that cannot be read */
  read(index: number): Uint8Array;
}

/**
 * Decodes all images, one after another.
 * @param decode throws for an image that cannot be used, with its name
 */
export function wholeImages(
  { names, labels, sha256: sum, read }: EncodedImages,
  decode: (name: string, file: Uint8Array) => unknown,
): WholeFile {
  const digests: string[] = [];
  const problems: string[] = [];
  const damaged: string[] = [];
  let bytes = 0;
  for (const [i, name] of names.entries()) {
    try {
      const file = read(i);
      bytes += file.length;
      digests.push(sha256(`${labels[i]} ${sha256(file)}`));
      decode(name, file);
    } catch (error) {
      if (!(error instanceof PefdError)) throw error;
      problems.push(error.message);
      damaged.push(name);
    }
  }
  return { bytes, labels, sha256: sum, digests, problems, damaged };
}
