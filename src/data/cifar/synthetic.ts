import { syntheticRecords } from "../binary/syntheticRecords.js";
import type { SyntheticOptions } from "../dataset.js";
import { classNames, kindNames } from "../synthetic/patterns.js";
import { linesOf, writeSynthetic } from "../synthetic/write.js";
import {
  CIFAR100_RECORD,
  COARSE_CLASSES,
  COARSE_NAMES_FILE,
  FINE_CLASSES,
  FINE_NAMES_FILE,
  IMAGE_SIZE,
  TEST_FILE,
  TRAIN_FILE,
} from "./records.js";

/** The coarse class of a fine one. */
const coarseOf = (label: number): number => Math.floor((label * COARSE_CLASSES) / FINE_CLASSES);

/** Writes a small artificial data set in CIFAR-100's format. @throws inputError and runError as writeSynthetic does */
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
