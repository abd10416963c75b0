import { createHash } from "node:crypto";
import type { PartName } from "../binary/part.js";
import type { ImageFile } from "../dataset.js";
import { type FilePart, type ImagePlaces, imagePlaces } from "../images/places.js";
import { openContents } from "./contents.js";
import { type ImageList, namesOf } from "./imageList.js";
import type { Listing } from "./listing.js";

/**
 * What tells a half from others: sha256 over class, size, name and sample (contents.ts) of each image. All of every file is
 * not read for it, as that would take hours for ImageNet. Shards of images as they are have the sum of the folder that they
 * were packed from; those of changed images have that in their sum.
 * @param isFresh whether every sample is taken anew
 */
export function fileOf(
  directory: string,
  part: PartName,
  { images, classes, reencoded }: Listing,
  isFresh = false,
): ImageFile {
  const [hash, listed] = [createHash("sha256"), createHash("sha256")];
  const contents = openContents(directory, part, isFresh);
  const add = (line: string, sample: string) => {
    listed.update(line);
    hash.update(`${sample}\t${line}`);
  };
  if (reencoded !== undefined) add(`reencoded\t${reencoded}\n`, "");
  for (const image of images) {
    const { size, sample } = contents.of(image);
    add(`${classes[image.label]}\t${size}\t${image.name}\n`, sample);
  }
  contents.close();
  return {
    images: images.length,
    ...{ sha256: hash.digest("hex"), listedSha256: listed.digest("hex") },
  };
}

/** Where listed images lie. */
export function placesOf(directory: string, images: ImageList): ImagePlaces {
  const parts = images.at(0)?.part && Array.from(images, ({ part }) => part as FilePart);
  return imagePlaces(directory, images.names ?? namesOf(images), parts);
}
