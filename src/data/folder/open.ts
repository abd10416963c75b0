import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import type { CenterCrop, ResizedCrop } from "../augmentation.js";
import type { PartName } from "../binary/part.js";
import { sha256Of } from "../checksums.js";
import type { DatasetRow, ImageFormat, ImagesInFiles } from "../dataset.js";
import { examine, readAhead, type WholeFile } from "../examine.js";
import type { ImageExaminer } from "../images/examine/types.js";
import { wholeImages } from "../images/wholeImages.js";
import { checkLimit, takenImages, type Wanted } from "../limits.js";
import { changedShards } from "../shards/check.js";
import { listShards, shardClassNames } from "../shards/listing.js";
import { refuseUnknown } from "../skipList.js";
import { changedContents } from "./contents.js";
import { imagesAt, labelsOf, namesOf } from "./imageList.js";
import { fileOf, placesOf } from "./images.js";
import type { Listing } from "./listing.js";
import { packableSet } from "./packable.js";
import { hasImages, isPacked, PARTS } from "./packed.js";
import type { HalfFolders } from "./places.js";

/** A data set whose images stay in their files, each of a file of its own, or in shards. */
export interface FolderSource {
  readonly name: string;
  readonly format: ImageFormat & { readonly augmentation: ResizedCrop };
  readonly evaluation: CenterCrop;
  /** Where folders of images lie, if they are not packed. */
  readonly folders: HalfFolders;
  /** @throws inputError for a folder that cannot be read as one of this data set */
  list(directory: string, part: PartName): Listing;
  /** What classes are called, where that is not as their folders are. */
  names?(directory: string, classes: readonly string[]): readonly string[];
}

/** Classes that labels of two bytes can tell. */
const MOST_CLASSES = 65_536;

function setOf(
  directory: string,
  source: FolderSource,
  part: PartName,
  { images, reencoded }: Listing,
  wanted: Wanted,
): ImagesInFiles {
  const all = { names: namesOf(images), labels: labelsOf(images) };
  const chosen = takenImages(all, join(directory, part), part, wanted);
  const taken = chosen === undefined ? images : imagesAt(images, chosen);
  return {
    ...{ kind: "files", ...source.format, evaluation: source.evaluation },
    ...{ labels: labelsOf(taken), count: taken.length },
    places: placesOf(directory, taken),
    ...(reencoded !== undefined && { reencoded }),
    ...(chosen !== undefined && { positions: chosen }),
  };
}

async function examined(
  directory: string,
  part: PartName,
  listing: Listing,
  examiner: ImageExaminer,
): Promise<WholeFile> {
  const names = [...namesOf(listing.images)];
  const source = { places: placesOf(directory, listing.images), first: 0 };
  const { sha256 } = fileOf(directory, part, listing, true);
  const labels = labelsOf(listing.images);
  const whole = await wholeImages({ names, source, labels, sha256 }, examiner);
  const changed = changedContents(directory, part, sha256, sha256Of(whole.digests));
  const problems = [...changedShards(directory, part), ...changed, ...whole.problems];
  return { ...whole, problems };
}

/** What a row does with such a source. */
export function folderReaders(
  source: FolderSource,
): Pick<DatasetRow, "open" | "openTest" | "files" | "classes" | "classNames"> &
  Required<Pick<DatasetRow, "verify" | "packable">> {
  const listAny = (directory: string, part: PartName): Listing =>
    isPacked(directory, source.folders)
      ? listShards(directory, part)
      : source.list(directory, part);
  const list = (directory: string, part: PartName, limit?: number): Listing => {
    checkLimit(limit, part);
    const listing = listAny(directory, part);
    if (listing.classes.length <= MOST_CLASSES) return listing;
    throw inputError(`${directory} has more than ${MOST_CLASSES} classes.`);
  };
  const set = (directory: string, part: PartName, listing: Listing, wanted: Wanted) =>
    setOf(directory, source, part, listing, wanted);
  const classNamesOf = (directory: string, classes: readonly string[]): readonly string[] =>
    isPacked(directory, source.folders)
      ? (shardClassNames(directory) ?? classes)
      : (source.names?.(directory, classes) ?? classes);
  return {
    open(directory, { limitTrain, limitTest, skip } = {}) {
      const train = list(directory, "train", limitTrain);
      const test = list(directory, "test", limitTest);
      if (skip) refuseUnknown(skip, [...namesOf(train.images), ...namesOf(test.images)]);
      return {
        ...{ name: source.name, numClasses: train.classes.length },
        train: set(directory, "train", train, { limit: limitTrain, skip }),
        test: set(directory, "test", test, { limit: limitTest, skip }),
        ...{ trainFile: fileOf(directory, "train", train) },
        testFile: fileOf(directory, "test", test),
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
      trainFile: fileOf(directory, "train", list(directory, "train")),
      testFile: fileOf(directory, "test", list(directory, "test")),
    }),
    verify: async (directory, examiner) =>
      examine({
        ...{ directory, train: ["train"], test: ["test"] },
        called: { train: "the training images", test: "the test images" },
        read: await readAhead(["train", "test"], (part) =>
          examined(directory, part as PartName, list(directory, part as PartName), examiner),
        ),
        isOfficial: () => undefined,
      }),
    classes: (directory) => list(directory, "test").classes.length,
    classNames: (directory) => classNamesOf(directory, list(directory, "test").classes),
    packable(directory, skip) {
      const found = PARTS.filter((part) => hasImages(directory, part, source.folders));
      // Where there is neither half, this says so.
      const parts = found.length > 0 ? found : PARTS;
      const listings = new Map(parts.map((part) => [part, list(directory, part)]));
      return packableSet(directory, listings, (classes) => classNamesOf(directory, classes), skip);
    },
  };
}
