import { join } from "node:path";
import { howToGet, howToPlace } from "../binary/dataFile.js";
import { memoryReaders } from "../binary/inMemory.js";
import { namesFrom, type RecordKind, readRecordPart, recordFilesAhead, wholeRecords } from "../binary/records.js";
import { syntheticRecords } from "../binary/syntheticRecords.js";
import type { DatasetRow, ImageFormat, SyntheticOptions } from "../dataset.js";
import { examine } from "../examine.js";
import { isAsFetched } from "../fetch/fetchArchive.js";
import { classNames } from "../synthetic/patterns.js";
import { linesOf, writeSynthetic } from "../synthetic/write.js";

const NAME = "cifar10";
const CLASSES = 10;
const SIDE = 32;

/** Augmented like CIFAR-100. Mean and standard deviation over all training pixels. */
const FORMAT = {
  height: SIDE,
  width: SIDE,
  channels: 3,
  normalization: { mean: [0.4914, 0.4822, 0.4465], deviation: [0.247, 0.2435, 0.2616] },
  augmentation: { kind: "shift", padding: 4 },
} as const satisfies ImageFormat;

/** A label, 1,024 red, 1,024 green, 1,024 blue. */
const RECORD: RecordKind = { side: SIDE, labels: [{ what: "label", classes: CLASSES }], own: 0 };

const TRAIN_FILES = [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`);
const TEST_FILE = "test_batch.bin";
const NAMES_FILE = "batches.meta.txt";

const HALVES = {
  train: { files: TRAIN_FILES, together: "data_batch_1.bin to data_batch_5.bin" },
  test: { files: [TEST_FILE], together: TEST_FILE },
} as const;

const ARCHIVE = {
  url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
  md5: "c32a1d4ab5d03f1284b67883e8d87530",
  folder: "cifar-10-batches-bin",
  members: [...TRAIN_FILES, TEST_FILE, NAMES_FILE],
  recorded: true,
} as const;

const HINT = howToGet(NAME);

const readers = memoryReaders({
  name: NAME,
  classes: CLASSES,
  format: FORMAT,
  archive: ARCHIVE,
  knownBy: TEST_FILE,
  contents: `${HALVES.train.together} and ${TEST_FILE}`,
  hint: howToPlace(NAME),
  read: (directory, part, ahead) => readRecordPart(directory, { kind: RECORD, hint: HINT, ...HALVES[part] }, ahead),
});

const verify = (directory: string) =>
  examine({
    directory,
    train: TRAIN_FILES,
    test: [TEST_FILE],
    called: { train: HALVES.train.together, test: TEST_FILE },
    read: (file) => wholeRecords(directory, file, { kind: RECORD, hint: HINT }),
    isOfficial: (files) => isAsFetched(directory, files, ARCHIVE.md5),
  });

/** Training images are dealt to the five files as evenly as their number allows. */
const synthesize = (directory: string, options: SyntheticOptions): Promise<void> =>
  writeSynthetic(directory, options, { side: SIDE, most: CLASSES }, (set) => {
    const records = (part: "train" | "test") => syntheticRecords(set, part, RECORD, (label) => [label]);
    const train = records("train");
    const size = train.length / set.train;
    const cut = (batch: number) => Math.floor((set.train * batch) / TRAIN_FILES.length) * size;
    return new Map([
      [NAMES_FILE, linesOf(classNames(CLASSES))],
      ...TRAIN_FILES.map((file, i) => [file, train.subarray(cut(i), cut(i + 1))] as const),
      [TEST_FILE, records("test")],
    ]);
  });

/** CIFAR-10 (Krizhevsky 2009) in its author's binary version. */
export const CIFAR10 = {
  name: NAME,
  title: "CIFAR-10",
  classes: CLASSES,
  format: FORMAT,
  evaluation: "as is" as const,
  defaults: { data: "data/cifar-10-batches-bin" },
  archive: ARCHIVE,
  ...readers,
  filesAhead: (directory) => recordFilesAhead(directory, { kind: RECORD, files: [...TRAIN_FILES, TEST_FILE] }),
  classNames: (directory) => namesFrom(join(directory, NAMES_FILE), CLASSES),
  synthesize,
  verify,
} satisfies DatasetRow;
