import { howToGet, howToPlace } from "../binary/dataFile.js";
import { type MemoryDataset, type MemorySource, memoryReaders } from "../binary/inMemory.js";
import type { AheadOf } from "../binary/readFile.js";
import { readRecordPart, recordFilesAhead } from "../binary/recordPart.js";
import type { DatasetFiles, DatasetLimits, ImagesInMemory } from "../dataset.js";
import {
  CIFAR100_FORMAT,
  CIFAR100_RECORD,
  FINE_CLASSES,
  TEST_FILE,
  TRAIN_FILE,
} from "./records.js";

const FILES = { train: TRAIN_FILE, test: TEST_FILE } as const;

const SOURCE: MemorySource = {
  name: "cifar100",
  classes: FINE_CLASSES,
  format: CIFAR100_FORMAT,
  archive: { folder: "cifar-100-binary" },
  knownBy: TEST_FILE,
  contents: `${TRAIN_FILE} and ${TEST_FILE}`,
  hint: howToPlace(),
  read(directory, part, ahead) {
    const hint = howToGet();
    return readRecordPart(directory, { kind: CIFAR100_RECORD, files: [FILES[part]], hint }, ahead);
  },
};

const READERS = memoryReaders(SOURCE);

/**
 * Reads CIFAR-100 in the official binary layout: the training images from train.bin and the test images
 * from test.bin, never otherwise.
 * @param directory the folder that holds both files
 * @throws inputError if the folder or a file is missing, unreadable, empty, of a wrong size or has a label
 *   above 99, or a limit is not a positive integer or more than there are
 */
export const loadCifar100 = (directory: string, limits?: DatasetLimits): MemoryDataset =>
  READERS.open(directory, limits);

/** What loadCifar100 reads, to be read ahead. */
export const cifar100Ahead = (directory: string): AheadOf[] =>
  recordFilesAhead(directory, { kind: CIFAR100_RECORD, files: Object.values(FILES) });

/**
 * Reads the test images alone (test.bin); the same images as loadCifar100 gives with the same limit.
 * @throws inputError as loadCifar100 does
 */
export const loadTestSet = (directory: string, limitTest?: number): ImagesInMemory =>
  READERS.openTest(directory, limitTest).test;

/**
 * The checksums of both files as they are now, of the same bytes as those of loadCifar100.
 * @throws inputError as loadCifar100 does
 */
export const cifar100Files = (directory: string): DatasetFiles => READERS.files(directory);
