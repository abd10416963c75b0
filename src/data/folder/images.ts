import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import type { ImageFile } from "../dataset.js";
import { type FilePart, type ImagePlaces, imagePlaces } from "../images/places.js";
import { type ImageList, namesOf } from "./imageList.js";
import type { Listing } from "./listing.js";

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
export function placesOf(directory: string, images: ImageList): ImagePlaces {
  const parts = images.at(0)?.part && Array.from(images, ({ part }) => part as FilePart);
  return imagePlaces(directory, images.names ?? namesOf(images), parts);
}
