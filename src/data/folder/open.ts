import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import type { CenterCrop, ResizedCrop } from "../augmentation.js";
import type { PartName } from "../binary/part.js";
import type { DatasetRow, ImageFile, ImageFormat, ImagesInFiles, PixelReader } from "../dataset.js";
import { examine, type WholeFile } from "../examine.js";
import { imagePlaces, readImage } from "../images/places.js";
import { wholeImages } from "../images/wholeImages.js";
import { checkLimit, takenImages, type Wanted } from "../limits.js";
import { refuseUnknown } from "../skipList.js";
import type { ListedImage, Listing } from "./listing.js";

/** A data set whose images stay in their files, each of a file of its own. */
export interface FolderSource {
  readonly name: string;
  readonly format: ImageFormat & { readonly augmentation: ResizedCrop };
  readonly evaluation: CenterCrop;
  /** @throws inputError for a folder that cannot be read as one of this data set */
  list(directory: string, part: PartName): Listing;
}

/** Classes that labels of two bytes can tell. */
const MOST_CLASSES = 65_536;

function labelsOf(images: readonly ListedImage[]): Uint16Array {
  return Uint16Array.from(images, ({ label }) => label);
}

function sizeOf(path: string): number {
  const found = statSync(path, { throwIfNoEntry: false });
  if (found !== undefined) return found.size;
  throw inputError(`${path} leads nowhere.`, "Remove the link, or bring back what it leads to.");
}

/**
 * What tells a half from others: sha256 over class, size and name of each image. What is in the files is not read for it,
 * as that would take hours for ImageNet.
 */
function fileOf(directory: string, { images, classes }: Listing): ImageFile {
  const hash = createHash("sha256");
  for (const { name, label } of images) {
    hash.update(`${classes[label]}\t${sizeOf(join(directory, name))}\t${name}\n`);
  }
  return { images: images.length, sha256: hash.digest("hex") };
}

function setOf(
  directory: string,
  source: FolderSource,
  part: PartName,
  { images }: Listing,
  wanted: Wanted,
): ImagesInFiles {
  const all = { names: images.map(({ name }) => name), labels: labelsOf(images) };
  const chosen = takenImages(all, join(directory, part), part, wanted);
  const taken =
    chosen === undefined ? images : Array.from(chosen, (index) => images[index] as ListedImage);
  return {
    ...{ kind: "files", ...source.format, evaluation: source.evaluation },
    ...{ labels: labelsOf(taken), count: taken.length },
    places: imagePlaces(
      directory,
      taken.map(({ name }) => name),
    ),
    ...(chosen !== undefined && { positions: chosen }),
  };
}

function examined(directory: string, listing: Listing, reader: PixelReader): WholeFile {
  const names = listing.images.map(({ name }) => name);
  const places = imagePlaces(directory, names);
  const { sha256 } = fileOf(directory, listing);
  const read = (index: number) => readImage(places, index);
  return wholeImages({ names, labels: labelsOf(listing.images), sha256, read }, reader.pixels);
}

/** What a row does with such a source. */
export function folderReaders(
  source: FolderSource,
): Pick<DatasetRow, "open" | "openTest" | "files" | "classes" | "classNames" | "verify"> {
  const list = (directory: string, part: PartName, limit?: number): Listing => {
    checkLimit(limit, part);
    const listing = source.list(directory, part);
    if (listing.classes.length <= MOST_CLASSES) return listing;
    throw inputError(`${directory} has more than ${MOST_CLASSES} classes.`);
  };
  const set = (directory: string, part: PartName, listing: Listing, wanted: Wanted) =>
    setOf(directory, source, part, listing, wanted);
  return {
    open(directory, { limitTrain, limitTest, skip } = {}) {
      const train = list(directory, "train", limitTrain);
      const test = list(directory, "test", limitTest);
      const names = () => [...train.images, ...test.images].map(({ name }) => name);
      if (skip) refuseUnknown(skip, names());
      return {
        ...{ name: source.name, numClasses: train.classes.length },
        train: set(directory, "train", train, { limit: limitTrain, skip }),
        test: set(directory, "test", test, { limit: limitTest, skip }),
        ...{ trainFile: fileOf(directory, train), testFile: fileOf(directory, test) },
      };
    },
    openTest(directory, limit, skip) {
      const test = list(directory, "test", limit);
      return {
        ...{ name: source.name, numClasses: test.classes.length },
        test: set(directory, "test", test, { limit, skip }),
      };
    },
    files: (directory) => ({
      trainFile: fileOf(directory, list(directory, "train")),
      testFile: fileOf(directory, list(directory, "test")),
    }),
    verify: (directory, reader) =>
      examine({
        ...{ directory, train: ["train"], test: ["test"] },
        called: { train: "the training images", test: "the test images" },
        read: (part) => examined(directory, source.list(directory, part as PartName), reader()),
        isOfficial: () => undefined,
      }),
    classes: (directory) => list(directory, "test").classes.length,
    classNames: (directory) => list(directory, "test").classes,
  };
}
