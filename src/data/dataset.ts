import { inputError } from "../common/errors.js";
import type { Augmentation, CenterCrop, ResizedCrop, Rotation, Shift } from "./augmentation.js";
import type { AheadOf, FilesAhead } from "./binary/dataFile.js";
import type { ImageExaminer } from "./images/examine/types.js";
import type { ImagePlaces } from "./images/places.js";
import type { Normalization } from "./normalize.js";
import type { SkipList } from "./skipList.js";

/** Image size in pixels, and RGB channels. */
export type ImageShape = { readonly height: number; readonly width: number; readonly channels: 3 };

export interface ImageFormat extends ImageShape {
  readonly normalization: Normalization;
  readonly augmentation: Augmentation;
}

interface Labelled extends ImageFormat {
  /** [count], the class of each image, from 0. */
  readonly labels: Uint8Array | Uint16Array;
  readonly count: number;
  /** [count], the place of each image in its file; omitted where the set is the whole file. */
  readonly positions?: Int32Array;
}

/** Images and labels in host memory, in the order of the file (or of the chosen subset). */
export interface ImagesInMemory extends Labelled {
  readonly kind: "memory";
  /** [count, height, width, 3], one byte per value, RGB interleaved. */
  readonly images: Uint8Array;
  readonly labels: Uint8Array;
  readonly augmentation: Shift | Rotation;
  /** Names of the images' files, where each has one. */
  readonly names?: readonly string[];
  /** Of some images only, where looking at `images` decodes all of them. @returns [n, height, width, 3] */
  some?(images: readonly number[]): Uint8Array;
}

/** Images that stay in their files, encoded (JPEG, PNG, BMP, WebP), and are read when they are needed. */
export interface ImagesInFiles extends Labelled {
  readonly kind: "files";
  readonly places: ImagePlaces;
  readonly augmentation: ResizedCrop;
  readonly evaluation: CenterCrop;
  /** How the images were changed when they were packed; omitted where they are unchanged. */
  readonly reencoded?: string;
}

export type ImageSet = ImagesInMemory | ImagesInFiles;

/** A sentence on images that were changed when they were packed; undefined for images as they were. */
export const reencodingNote = (set: ImageSet): string | undefined =>
  set.kind === "files" && set.reencoded !== undefined
    ? `These images were re-encoded (${set.reencoded}): results are not comparable with those on the originals.`
    : undefined;

/** The set itself where its images are in memory. @throws inputError where they are in files */
export function inMemory(set: ImageSet): ImagesInMemory {
  if (set.kind === "memory") return set;
  throw inputError("This needs all images in memory, but this data set is streamed from files.");
}

/** A file of images as it was read, whatever part of it a run takes. */
export interface ImageFile {
  readonly images: number;
  readonly sha256: string;
  /** Where `sha256` is over names, sizes and samples of many files: that over names and sizes, as in older runs. */
  readonly listedSha256?: string;
}

/** The checksum of a file of images in the way in which a run that is there has it, if it fits so. */
export const sumAsIn = (then: string | undefined, { sha256, listedSha256 }: ImageFile): string =>
  listedSha256 !== undefined && then === listedSha256 ? listedSha256 : sha256;

export type DatasetFiles = { readonly trainFile: ImageFile; readonly testFile: ImageFile };

export type TestImages = { readonly name: string; readonly numClasses: number; readonly test: ImageSet };

/** A data set that was opened: `train` comes from the training file only, `test` from the test file only. */
export type Dataset = TestImages & DatasetFiles & { readonly train: ImageSet };

/** How many images to take of each file; all of them by default. Which ones: see sampler.ts. */
export interface DatasetLimits {
  readonly limitTrain?: number | undefined;
  readonly limitTest?: number | undefined;
  /** Images that are excluded before any are chosen. */
  readonly skip?: SkipList | undefined;
  /** Those of `filesAhead` that were read already. */
  readonly ahead?: FilesAhead | undefined;
  /** Receives the progress of a long opening now and then. */
  readonly onProgress?: (text: string) => void;
}

export interface Archive {
  readonly url: string;
  readonly md5: string;
  /** The folder in it that becomes the data folder. */
  readonly folder: string;
  /** Files in that folder that are needed; no others are unpacked. */
  readonly members: readonly string[];
  /** The archive's name in the data folder, where it is read as it is and not unpacked. */
  readonly keptAs?: string;
  /** Whether checksums of what was unpacked are written beside it, as none are published. */
  readonly recorded?: boolean;
  /** Bytes that it and what it unpacks to may have, where that is more than usual. */
  readonly mostBytes?: number;
}

export interface SyntheticOptions {
  readonly train: number;
  readonly test: number;
  readonly seed: number;
  /** Classes that occur, the first so many; all classes of the data set by default. */
  readonly classes?: number | undefined;
  /** Whether another data set may be replaced, and a folder of other files written into. */
  readonly force?: boolean | undefined;
}

export interface FileReport {
  readonly file: string;
  readonly bytes: number;
  readonly records: number;
  readonly sha256: string;
  /** sha256 over the sorted sha256 of each record: the same in whatever order. */
  readonly contentSha256: string;
  /** Classes that occur, and images of the smallest and of the largest of them. */
  readonly classes: number;
  readonly fewestPerClass: number;
  readonly mostPerClass: number;
}

export interface VerifyReport {
  readonly directory: string;
  /** One report for each file that could be read whole. */
  readonly files: readonly FileReport[];
  /** Test images that are also training images, byte for byte. */
  readonly sharedRecords: number;
  /** Names of images that cannot be used. */
  readonly damaged: readonly string[];
  /** Decoder warnings of usable images. */
  readonly warnings: readonly string[];
  /** Every class has equally many images in each file. */
  readonly balanced: boolean;
  /** Exactly the published images and labels, in any order; undefined where nothing is published. */
  readonly official: boolean | undefined;
  /** One sentence each. */
  readonly problems: readonly string[];
}

export interface PackableHalf {
  readonly names: readonly string[];
  readonly labels: Uint16Array;
  readonly places: ImagePlaces;
}

/** Images in files, for `pefd data pack`. */
export interface PackableSet {
  /** Folders of the classes by their numbers, and what classes are called. */
  readonly classes: readonly string[];
  readonly classNames: readonly string[];
  readonly reencoded?: string;
  /** The splits that are there, at least one. */
  readonly halves: { readonly train?: PackableHalf; readonly test?: PackableHalf };
}

export type Soon<Value> = Value | Promise<Value>;

/** One data set: one file below src/data, one row in registry.ts. Options, help, checks and batches follow from it. */
export interface DatasetRow {
  /** As `--dataset` names it. */
  readonly name: string;
  readonly title: string;
  readonly classes: number | ((folder: string) => Soon<number>);
  readonly format: ImageFormat;
  /** Evaluation transform, before normalization. */
  readonly evaluation: "as is" | CenterCrop;
  /** Path of a model's teacher below save/models in the paper's own download, if any. */
  publishedTeacher?(model: string): string;
  /** Defaults of options where they are not the option's own; whatever is given wins. */
  readonly defaults: Readonly<Record<string, unknown>>;
  /** The archive of `pefd data fetch`, if any. */
  readonly archive?: Archive;
  /** The same data set with images in another size; omitted where they come in one. */
  sized?(side: number): DatasetRow;
  /** Hint on where to put the files, if there is no download. */
  readonly byHand?: string;
  /** Large files that `open` reads whole: a thread may read them meanwhile. */
  readonly filesAhead?: (folder: string) => readonly AheadOf[];
  /** @throws inputError for a folder that cannot be read, or limits that it does not have */
  open(folder: string, limits?: DatasetLimits): Soon<Dataset>;
  /** The same test images without the training images. @throws inputError as open does */
  openTest(folder: string, limitTest?: number, skip?: SkipList): Soon<TestImages>;
  /** The files as they are now. @throws inputError as open does */
  files(folder: string): Soon<DatasetFiles>;
  /** Class names; indices if the folder has none. */
  classNames(folder: string): Soon<readonly string[]>;
  /** Writes synthetic images in this data set's format; omitted where there are none. @throws inputError, runError */
  synthesize?(folder: string, options: SyntheticOptions): Promise<void>;
  /** Examines a folder; one that is wrong is reported, not thrown. Omitted where there is nothing to examine. */
  verify?(folder: string, examiner: ImageExaminer): Soon<VerifyReport>;
  /** Images to pack into shards; absent if images already are in few files. @throws inputError as open does */
  packable?(folder: string, skip?: SkipList): PackableSet;
}

/** The number of classes of a data set. @throws inputError if the folder does not determine it */
export const classesIn = async ({ classes }: DatasetRow, folder: string): Promise<number> =>
  typeof classes === "number" ? classes : classes(folder);
