import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { inputError } from "../../common/errors.js";
import { readInputText } from "../../common/files/inputFile.js";
import type { CenterCrop, ResizedCrop } from "../augmentation.js";
import type { PartName } from "../binary/records.js";
import { sha256Of, sha256OfFile } from "../checksums.js";
import type { DatasetRow, ImageFile, ImageFormat, ImagesInFiles, PackableHalf, SyntheticOptions } from "../dataset.js";
import { examine, type WholeFile } from "../examine.js";
import type { ImageExaminer } from "../images/examine/types.js";
import { type FilePart, type ImagePlaces, imagePlaces } from "../images/places.js";
import { wholeImages } from "../images/reader.js";
import { checkLimit, takenImages, type Wanted } from "../limits.js";
import { IMAGENET as IMAGENET_NORMALIZATION } from "../normalize.js";
import { hasShards, listShards, shardClassNames } from "../shards/listing.js";
import { readShardRecord } from "../shards/record.js";
import { refuseUnknown } from "../skipList.js";
import { classNames } from "../synthetic/patterns.js";
import { drawImages, pngOf, writeSynthetic } from "../synthetic/write.js";
import { changedContents, openContents } from "./contents.js";
import {
  byName,
  classFolders,
  entriesOf,
  flatText,
  type HalfFolders,
  halfFolder,
  hasHalf,
  type ImageList,
  imagesAt,
  isImage,
  type ListedImage,
  type Listing,
  labelsOf,
  listClassFolders,
  namesOf,
} from "./listing.js";

/** Of the images' sides, and of the classes with patterns of their own. */
const [SYNTHETIC_SIDE, CLASSES] = [96, 100];

/** Classes by default. */
const USUAL = 10;

/** A class without an image is no folder, and both splits are to have the same. */
function classesOf({ classes, train, test }: SyntheticOptions): number {
  const most = Math.min(train, test);
  if (classes === undefined) return Math.min(USUAL, most);
  if (classes <= most) return classes;
  throw inputError(
    `${classes} classes need at least as many training and test images, not ${train} and ${test}.`,
    "Set more with --train and --test, or fewer --classes.",
  );
}

/** Writes synthetic PNGs into class folders. @throws as writeSynthetic, inputError for more classes than images */
export async function synthesize(directory: string, options: SyntheticOptions): Promise<void> {
  const wanted = { ...options, classes: classesOf(options) };
  return writeSynthetic(directory, wanted, { side: SYNTHETIC_SIDE, most: CLASSES }, (set) => {
    const names = classNames(set.classes);
    const images = (part: "train" | "test", folder: string) => {
      const files: [string, Uint8Array][] = [];
      drawImages(set, part, (planes, label, index) => {
        files.push([`${folder}/${names[label]}/${index}.png`, pngOf(planes, SYNTHETIC_SIDE)]);
      });
      return files;
    };
    return new Map([...images("test", "val"), ...images("train", "train")]);
  });
}

/** Classes of a split's images, by folder; undefined where the split is not there. */
const classesOfHalf = (directory: string, part: PartName, folders: HalfFolders): string[] | undefined =>
  hasHalf(directory, part, folders) ? classFolders(join(directory, halfFolder(directory, part, folders))) : undefined;

/** Milliseconds before the first progress report on reading samples, and between reports. */
const PATIENCE = 2000;
const BETWEEN = 10_000;

/**
 * Identity of a split: sha256 over class, size, name and sample (contents.ts) of each image; reading all bytes of
 * ImageNet would take hours. Shards have the sum of their folder, where re-encoded with the re-encoding in it.
 */
function fileOf(
  directory: string,
  part: PartName,
  { images, classes, reencoded }: Listing,
  isFresh = false,
  onProgress: (text: string) => void = () => {},
): ImageFile {
  const [hash, listed] = [createHash("sha256"), createHash("sha256")];
  const contents = openContents(directory, part, isFresh);
  const add = (line: string, sample: string) => {
    listed.update(line);
    hash.update(`${sample}\t${line}`);
  };
  if (reencoded !== undefined) add(`reencoded\t${reencoded}\n`, "");
  let [done, due] = [0, performance.now() + PATIENCE];
  for (const image of images) {
    if (performance.now() > due) {
      onProgress(`reading samples of the ${part} images in ${directory}: ${done} of ${images.length}`);
      due += BETWEEN;
    }
    done++;
    const { size, sample } = contents.of(image);
    add(`${classes[image.label]}\t${size}\t${image.name}\n`, sample);
  }
  contents.close();
  return { images: images.length, sha256: hash.digest("hex"), listedSha256: listed.digest("hex") };
}

function placesOf(directory: string, images: ImageList): ImagePlaces {
  const parts = images.at(0)?.part && Array.from(images, ({ part }) => part as FilePart);
  return imagePlaces(directory, images.names ?? namesOf(images), parts);
}

/** Sentences on shards that are not as they were packed. @throws the system's error for an unreadable shard */
function changedShards(directory: string, part: PartName): string[] {
  const shards = readShardRecord(directory)?.halves[part]?.shards ?? [];
  return shards
    .map(({ file, sha256 }) => ({ path: join(directory, file), sha256 }))
    .filter(({ path, sha256 }) => sha256OfFile(path) !== sha256)
    .map(({ path }) => `${path} has changed since it was packed (sha256).`);
}

const PARTS: readonly PartName[] = ["train", "test"];

/** Whether a folder holds shards: recorded ones, or any without class folders (downloads may lie beside those). */
function isPacked(directory: string, folders: HalfFolders): boolean {
  if (readShardRecord(directory) !== undefined) return true;
  if (PARTS.some((part) => classesOfHalf(directory, part, folders)?.length)) return false;
  return PARTS.some((part) => hasShards(directory, part));
}

/** Whether a data folder has a split, in folders or in shards. @throws inputError for a damaged record */
const hasImages = (directory: string, part: PartName, folders: HalfFolders): boolean =>
  isPacked(directory, folders) ? hasShards(directory, part) : hasHalf(directory, part, folders);

interface FolderSource {
  readonly name: string;
  readonly format: ImageFormat & { readonly augmentation: ResizedCrop };
  readonly evaluation: CenterCrop;
  readonly folders: HalfFolders;
  /** @throws inputError for a folder that cannot be read as one of this data set */
  list(directory: string, part: PartName): Listing;
  /** Class names, where they differ from folder names. */
  names?(directory: string, classes: readonly string[]): readonly string[];
}

/** Classes of two-byte labels. */
const MOST_CLASSES = 65_536;

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

function folderReaders(
  source: FolderSource,
): Pick<DatasetRow, "open" | "openTest" | "files" | "classes" | "classNames"> &
  Required<Pick<DatasetRow, "verify" | "packable">> {
  const listAny = (directory: string, part: PartName): Listing =>
    isPacked(directory, source.folders) ? listShards(directory, part) : source.list(directory, part);
  const list = (directory: string, part: PartName, limit?: number): Listing => {
    checkLimit(limit, part);
    const listing = listAny(directory, part);
    if (listing.classes.length <= MOST_CLASSES) return listing;
    throw inputError(`${directory} has more than ${MOST_CLASSES} classes.`);
  };
  const set = (directory: string, part: PartName, { images, reencoded }: Listing, wanted: Wanted): ImagesInFiles => {
    const all = { names: namesOf(images), labels: labelsOf(images) };
    const chosen = takenImages(all, join(directory, part), part, wanted);
    const taken = chosen === undefined ? images : imagesAt(images, chosen);
    return {
      kind: "files",
      ...source.format,
      evaluation: source.evaluation,
      labels: labelsOf(taken),
      count: taken.length,
      places: placesOf(directory, taken),
      ...(reencoded !== undefined && { reencoded }),
      ...(chosen !== undefined && { positions: chosen }),
    };
  };
  const classNamesOf = (directory: string, classes: readonly string[]): readonly string[] =>
    isPacked(directory, source.folders)
      ? (shardClassNames(directory) ?? classes)
      : (source.names?.(directory, classes) ?? classes);
  return {
    open(directory, { limitTrain, limitTest, skip, onProgress } = {}) {
      const train = list(directory, "train", limitTrain);
      const test = list(directory, "test", limitTest);
      if (skip) refuseUnknown(skip, [...namesOf(train.images), ...namesOf(test.images)]);
      return {
        name: source.name,
        numClasses: train.classes.length,
        train: set(directory, "train", train, { limit: limitTrain, skip }),
        test: set(directory, "test", test, { limit: limitTest, skip }),
        trainFile: fileOf(directory, "train", train, false, onProgress),
        testFile: fileOf(directory, "test", test, false, onProgress),
      };
    },
    openTest(directory, limit, skip) {
      const test = list(directory, "test", limit);
      return {
        name: source.name,
        numClasses: test.classes.length,
        test: set(directory, "test", test, { limit, skip }),
      };
    },
    files: (directory) => ({
      trainFile: fileOf(directory, "train", list(directory, "train")),
      testFile: fileOf(directory, "test", list(directory, "test")),
    }),
    verify: (directory, examiner) =>
      examine({
        directory,
        train: ["train"],
        test: ["test"],
        called: { train: "the training images", test: "the test images" },
        read: (part) => examined(directory, part as PartName, list(directory, part as PartName), examiner),
        isOfficial: () => undefined,
      }),
    classes: (directory) => list(directory, "test").classes.length,
    classNames: (directory) => classNamesOf(directory, list(directory, "test").classes),
    packable(directory, skip) {
      const found = PARTS.filter((part) => hasImages(directory, part, source.folders));
      // Where there is neither split, this says so.
      const parts = found.length > 0 ? found : PARTS;
      const listings = parts.map((part) => [part, list(directory, part)] as const);
      const { classes, reencoded } = (listings[0] as (typeof listings)[number])[1];
      if (skip)
        refuseUnknown(
          skip,
          listings.flatMap(([, { images }]) => [...namesOf(images)]),
        );
      const halves = listings.map(([part, listing]): [PartName, PackableHalf] => {
        const images = [...listing.images].filter(({ name }) => skip?.names.has(name) !== true);
        if (images.length === 0) throw inputError(`${skip?.file} skips all images of ${directory}.`);
        const names = images.map(({ name }) => name);
        return [part, { names, labels: labelsOf(images), places: placesOf(directory, images) }];
      });
      return {
        classes,
        classNames: classNamesOf(directory, classes),
        ...(reencoded !== undefined && { reencoded }),
        halves: Object.fromEntries(halves),
      };
    },
  };
}

/** Where Kaggle's archive has its images. */
const KAGGLE = "ILSVRC/Data/CLS-LOC";
const IMAGENET_FOLDERS: HalfFolders = { train: ["train", join(KAGGLE, "train")], test: ["val", join(KAGGLE, "val")] };

/** Kaggle's file with the classes of the validation images, which are in one folder. */
const SOLUTION = "LOC_val_solution.csv";

/** 50,000 lines of up to some hundred letters. */
const MOST_BYTES = 2 ** 26;

function listImageNet(directory: string, part: PartName): Listing {
  const folder = halfFolder(directory, part, IMAGENET_FOLDERS);
  if (part === "train") return listClassFolders(directory, folder);
  const known = classesOfHalf(directory, "train", IMAGENET_FOLDERS);
  if (classFolders(join(directory, folder)).length > 0) return listClassFolders(directory, folder, known);
  return listSolved(directory, folder, known);
}

/** The wnid of each image in a solution, by file stem. */
function readSolution(file: string): ReadonlyMap<string, string> {
  const lines = readInputText(file, { maxBytes: MOST_BYTES }).split("\n").slice(1);
  const pairs = lines.map((line) => line.trim().split(/[\s,]+/));
  return new Map(pairs.flatMap(([image, wnid]) => (image && wnid ? [[image, wnid]] : [])));
}

function listSolved(directory: string, folder: string, trained?: readonly string[]): Listing {
  const path = join(directory, folder);
  const file = join(directory, SOLUTION);
  if (!existsSync(file)) throw flat(path, file);
  const solution = readSolution(file);
  const known = trained ?? [...new Set(solution.values())].sort(byName);
  const labels = new Map(known.map((name, label) => [name, label]));
  const names = entriesOf(path).files.filter((name) => isImage(join(path, name)));
  const images = names.map((name): ListedImage => {
    const wnid = solution.get(basename(name).replace(/\.[^.]+$/, ""));
    const label = wnid === undefined ? undefined : labels.get(wnid);
    if (label !== undefined) return { name: join(folder, name), label };
    throw inputError(
      wnid === undefined
        ? `${file} does not list the class of ${join(path, name)}.`
        : `${file} gives ${join(path, name)} the class ${wnid}, which has no training images.`,
      "Use training images, validation images and the solution from the same archive.",
    );
  });
  if (images.length === 0) throw inputError(`${path} contains no images.`);
  return { classes: known, images };
}

const flat = (path: string, file: string) =>
  inputError(
    flatText(path),
    `Put Kaggle's ${SOLUTION} at ${file}, or sort the images into folders named as those of the training images.`,
  );

/** Kaggle's file of class names, one per line after the wnid. */
const NAMES = "LOC_synset_mapping.txt";

function imageNetNames(directory: string, classes: readonly string[]): readonly string[] {
  const file = join(directory, NAMES);
  if (!existsSync(file)) return classes;
  const lines = readInputText(file, { maxBytes: MOST_BYTES }).split("\n");
  const names = new Map(lines.map((line) => [line.split(" ", 1)[0], line.replace(/^\S+\s*/, "").trim()]));
  return classes.map((wnid) => names.get(wnid) || wnid);
}

/** Side that models for ImageNet take, and short side that evaluation resizes to before. */
const [SIDE, RESIZED] = [224, 256];

/** The paper's runs on ImageNet. */
const DEFAULTS = {
  batch_size: 256,
  learning_rate: 0.1,
  epochs: 100,
  weight_decay: 1e-4,
  lr_decay_epochs: [30, 60, 90],
} as const;

const FOLDERS: HalfFolders = { train: ["train"], test: ["val", "test"] };

/** Training images rule which classes there are. */
function listFolder(directory: string, part: PartName): Listing {
  const folder = halfFolder(directory, part, FOLDERS);
  const known = part === "train" ? undefined : classesOfHalf(directory, "train", FOLDERS);
  return listClassFolders(directory, folder, known);
}

/**
 * A row of images in folders for models that take images of `side`: RandomResizedCrop(side), flipped, as torchvision's
 * recipes have images of ImageNet, and the paper's code; evaluation as Resize(256) and CenterCrop(224), in the same
 * proportion for other sides, the short side rounded down.
 */
function folderRow(
  side: number,
  {
    data,
    ...own
  }: Pick<DatasetRow, "title" | "byHand"> & Omit<FolderSource, "format" | "evaluation"> & { data: string },
) {
  const format = {
    height: side,
    width: side,
    channels: 3,
    normalization: IMAGENET_NORMALIZATION,
    augmentation: { kind: "resized crop", scale: [0.08, 1], ratio: [3 / 4, 4 / 3] },
  } as const satisfies ImageFormat;
  const row = { ...own, format, evaluation: { resize: Math.floor((side * RESIZED) / SIDE), crop: side } };
  return { ...row, defaults: { data, ...DEFAULTS }, ...folderReaders(row) };
}

const folderOf = (side: number) =>
  ({
    synthesize,
    ...folderRow(side, {
      name: "folder",
      title: "Folders of images",
      data: "data/images",
      byHand: "Put your own images into DIR/train/CLASS/ and DIR/val/CLASS/, and give DIR with --data.",
      folders: FOLDERS,
      list: listFolder,
    }),
  }) satisfies DatasetRow;

/** Any images that are sorted into folders of classes: DIR/train/CLASS/*.jpg and DIR/val/CLASS/*.jpg. */
export const FOLDER = { ...folderOf(SIDE), sized: folderOf } satisfies DatasetRow;

const imageNetOf = (side: number) =>
  folderRow(side, {
    name: "imagenet",
    title: "ImageNet",
    data: "data/imagenet",
    byHand:
      "With an account, download ILSVRC2012_img_train.tar (md5 1d675b47d978889d74fa0da5fadfb00e) and ILSVRC2012_img_val.tar " +
      "(29b22e2961454d5413ddabcf34fc5622) from image-net.org and sort them into DIR/train/WNID/ and DIR/val/WNID/, or unpack " +
      "Kaggle's archive as it is.",
    folders: IMAGENET_FOLDERS,
    list: listImageNet,
    names: imageNetNames,
  });

/** ImageNet (ILSVRC 2012), sorted into folders of classes or as Kaggle has it. */
export const IMAGENET = { ...imageNetOf(SIDE), sized: imageNetOf } satisfies DatasetRow;
