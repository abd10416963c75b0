import { join } from "node:path";
import { type AheadOf, howToGet, howToPlace } from "../binary/dataFile.js";
import { type MemoryDataset, type MemorySource, memoryReaders } from "../binary/inMemory.js";
import { namesFrom, readRecordPart, recordFilesAhead, wholeRecords } from "../binary/records.js";
import { syntheticRecords } from "../binary/syntheticRecords.js";
import type {
  DatasetFiles,
  DatasetLimits,
  DatasetRow,
  ImagesInMemory,
  SyntheticOptions,
  VerifyReport,
} from "../dataset.js";
import { examine } from "../examine.js";
import { classNames, kindNames } from "../synthetic/patterns.js";
import { linesOf, writeSynthetic } from "../synthetic/write.js";
import {
  CIFAR100_FORMAT,
  CIFAR100_RECORD,
  COARSE_CLASSES,
  COARSE_NAMES_FILE,
  FINE_CLASSES,
  FINE_NAMES_FILE,
  IMAGE_SIZE,
  RECORD_BYTES,
  TEST_FILE,
  TRAIN_FILE,
} from "./records.js";

const coarseOf = (label: number): number => Math.floor((label * COARSE_CLASSES) / FINE_CLASSES);

/** Writes a small synthetic data set in CIFAR-100's format. @throws inputError and runError as writeSynthetic does */
export const synthesize = (directory: string, options: SyntheticOptions): Promise<void> =>
  writeSynthetic(directory, options, { side: IMAGE_SIZE, most: FINE_CLASSES }, (set) => {
    const records = (part: "train" | "test") =>
      syntheticRecords(set, part, CIFAR100_RECORD, (label) => [coarseOf(label), label]);
    return new Map([
      [FINE_NAMES_FILE, linesOf(classNames(FINE_CLASSES))],
      [COARSE_NAMES_FILE, linesOf(kindNames())],
      [TRAIN_FILE, records("train")],
      [TEST_FILE, records("test")],
    ]);
  });

/** contentSha256 of the two files of CIFAR-100: 50,000 and 10,000 records. */
const OFFICIAL_CONTENT: Readonly<Record<string, string>> = {
  [TRAIN_FILE]: "ad6f8b3f27b80cb26c34ea8d0693fdf47cb7ad89d0d51034ccab1eca5d33d405",
  [TEST_FILE]: "f6556ddfe5daabecac8e1b4b2986020abaffc5b7934f88f040d5fc07eaa7307f",
};

/** Reports a folder's sizes, labels, class balance, checksums and problems, and whether it is the real CIFAR-100. */
export const verifyCifar100 = (directory: string): VerifyReport =>
  examine({
    directory,
    train: [TRAIN_FILE],
    test: [TEST_FILE],
    called: { train: TRAIN_FILE, test: TEST_FILE },
    read: (file) => wholeRecords(directory, file, { kind: CIFAR100_RECORD, hint: howToGet() }, coarseProblems),
    isOfficial: (files) => files.every((f) => f.contentSha256 === OFFICIAL_CONTENT[f.file]),
  });

/** Training reads fine labels only, but a fine class with two coarse ones is a sign of a damaged file. */
function coarseProblems(path: string, records: Uint8Array): string[] {
  const coarseOf = new Map<number, number>();
  for (let offset = 0; offset < records.length; offset += RECORD_BYTES) {
    const [coarse = 0, fine = 0] = records.subarray(offset, offset + 2);
    const record = offset / RECORD_BYTES + 1;
    if (coarse >= COARSE_CLASSES) {
      return [`${path} has the coarse label ${coarse} in record ${record}, expected 0 to 19.`];
    }
    const earlier = coarseOf.get(fine) ?? coarse;
    if (earlier !== coarse) {
      return [
        `${path} gives the fine label ${fine} the coarse label ${earlier} at first and ${coarse} in ` +
          `record ${record}.`,
      ];
    }
    coarseOf.set(fine, coarse);
  }
  return [];
}

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

/** CIFAR-100's binary layout: train.bin to train, test.bin to test. @throws inputError for files, labels, limits */
export const loadCifar100 = (directory: string, limits?: DatasetLimits): MemoryDataset =>
  READERS.open(directory, limits);

const cifar100Ahead = (directory: string): AheadOf[] =>
  recordFilesAhead(directory, { kind: CIFAR100_RECORD, files: Object.values(FILES) });

/** Reads only the test images (test.bin), as loadCifar100 with that limit. @throws inputError as loadCifar100 */
export const loadTestSet = (directory: string, limitTest?: number): ImagesInMemory =>
  READERS.openTest(directory, limitTest).test;

/** The checksums of both files as they are now. @throws inputError as loadCifar100 */
const cifar100Files = (directory: string): DatasetFiles => READERS.files(directory);

/** CIFAR-100 (Krizhevsky 2009) in its author's binary version. */
export const CIFAR100 = {
  name: "cifar100",
  title: "CIFAR-100",
  classes: FINE_CLASSES,
  format: CIFAR100_FORMAT,
  evaluation: "as is",
  publishedTeacher: (model) => join(`${model}_vanilla`, "ckpt_epoch_240.pth"),
  defaults: {},
  archive: {
    url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    md5: "03b5dce01913d631647c71ecec9e9cb8",
    folder: "cifar-100-binary",
    members: [TRAIN_FILE, TEST_FILE, FINE_NAMES_FILE, COARSE_NAMES_FILE],
  },
  filesAhead: cifar100Ahead,
  open: loadCifar100,
  openTest: (folder, limitTest) => ({
    name: "cifar100",
    numClasses: FINE_CLASSES,
    test: loadTestSet(folder, limitTest),
  }),
  files: cifar100Files,
  classNames: (folder) => namesFrom(join(folder, FINE_NAMES_FILE), FINE_CLASSES),
  synthesize,
  verify: verifyCifar100,
} as const satisfies DatasetRow;
