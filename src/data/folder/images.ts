import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import type { ImageFile } from "../dataset.js";
import { type ImagePlaces, imagePlaces } from "../images/places.js";
import type { ListedImage, Listing } from "./listing.js";

/** The classes of listed images. */
export function labelsOf(images: readonly ListedImage[]): Uint16Array {
  return Uint16Array.from(images, ({ label }) => label);
}

function sizeOf(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return found.size;
  throw inputError(`${path} leads nowhere.`, "Remove the link, or bring back what it leads to.");
}

/**
 * What tells a half from others: sha256 over class, size and name of each image. What is in the files is not read for it,
 * as that would take hours for ImageNet. Shards of images as they are have the sum of the folder that they were packed
 * from; those of changed images have that in their sum.
 */
export function fileOf(directory: string, { images, classes, reencoded }: Listing): ImageFile {
  const hash = createHash("sha256");
  if (reencoded !== undefined) hash.update(`reencoded\t${reencoded}\n`);
  for (const { name, label, part } of images) {
    const size = part?.length ?? sizeOf(join(directory, name));
    hash.update(`${classes[label]}\t${size}\t${name}\n`);
  }
  return { images: images.length, sha256: hash.digest("hex") };
}

/** Where listed images lie. */
export function placesOf(directory: string, images: readonly ListedImage[]): ImagePlaces {
  const names = images.map(({ name }) => name);
  const parts = images.flatMap(({ part }) => part ?? []);
  return imagePlaces(directory, names, parts.length > 0 ? parts : undefined);
}
