import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import type { Shift } from "../augmentation.js";
import type {
  Archive,
  Dataset,
  DatasetFiles,
  DatasetLimits,
  DatasetRow,
  ImageFormat,
  ImagesInMemory,
  TestImages,
} from "../dataset.js";
import { checkLimit, chosenImages } from "../limits.js";
import { refuseSkipList, type SkipList } from "../skipList.js";
import type { FilesAhead } from "./dataFile.js";
import type { Part, PartName } from "./records.js";

/** A data set whose images are read into memory as a whole. */
export interface MemorySource {
  readonly name: string;
  readonly classes: number;
  readonly format: ImageFormat & { readonly augmentation: Shift };
  /** The folder that its archive makes, and a file in it by which that folder is known. */
  readonly archive: Pick<Archive, "folder">;
  readonly knownBy: string;
  /** Contents of its folder, such as "train.bin and test.bin". */
  readonly contents: string;
  readonly hint: string;
  /** @param ahead files that were read already @throws inputError for files that cannot be read */
  read(directory: string, part: PartName, ahead?: FilesAhead): Part;
}

/** A data set as it was read: both splits are in memory. */
export type MemoryDataset = Dataset & { readonly train: ImagesInMemory; readonly test: ImagesInMemory };

export interface MemoryReaders extends Pick<DatasetRow, "open" | "openTest" | "files"> {
  open(directory: string, limits?: DatasetLimits): MemoryDataset;
  openTest(directory: string, limit?: number, skip?: SkipList): TestImages & { readonly test: ImagesInMemory };
  files(directory: string): DatasetFiles;
}

function imagesOf(
  { labels, file, pixels }: Part,
  { format }: MemorySource,
  part: PartName,
  limit?: number,
): ImagesInMemory {
  const chosen = chosenImages(labels, part, limit);
  if (chosen === undefined) {
    return { kind: "memory", ...format, images: pixels(), labels, count: file.images };
  }
  return {
    kind: "memory",
    ...format,
    images: pixels(chosen),
    count: chosen.length,
    labels: Uint8Array.from(chosen, (index) => labels[index] as number),
    positions: chosen,
  };
}

function checkDirectory(directory: string, source: MemorySource): void {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) throw inputError(`The data folder ${directory} does not exist.`, source.hint);
  if (!found.isDirectory()) {
    throw inputError(`${directory} is not a folder.`, `Give the folder of ${source.contents} with --data DIR.`);
  }
  const inner = join(directory, source.archive.folder);
  if (!existsSync(join(directory, source.knownBy)) && existsSync(join(inner, source.knownBy))) {
    throw inputError(`${directory} has no ${source.knownBy}.`, `Use the folder in it: --data ${inner}`);
  }
}

/** Training images come from the files for training, test images from those for testing, never otherwise. */
export function memoryReaders(source: MemorySource): MemoryReaders {
  const read = (directory: string, part: PartName, limit?: number, ahead?: FilesAhead) => {
    checkDirectory(directory, source);
    checkLimit(limit, part);
    const half = source.read(directory, part, ahead);
    return { file: half.file, images: imagesOf(half, source, part, limit) };
  };
  const is = { name: source.name, numClasses: source.classes };
  return {
    open(directory, { limitTrain, limitTest, skip, ahead } = {}) {
      refuseSkipList(source.name, skip);
      const train = read(directory, "train", limitTrain, ahead);
      const test = read(directory, "test", limitTest, ahead);
      return { ...is, train: train.images, test: test.images, trainFile: train.file, testFile: test.file };
    },
    openTest(directory, limit, skip) {
      refuseSkipList(source.name, skip);
      return { ...is, test: read(directory, "test", limit).images };
    },
    files(directory): DatasetFiles {
      checkDirectory(directory, source);
      const fileOf = (part: PartName) => source.read(directory, part).file;
      return { trainFile: fileOf("train"), testFile: fileOf("test") };
    },
  };
}
