import { createHash } from "node:crypto";
import { existsSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../common/errors.js";
import {
  decodeRecords,
  fineLabels,
  RECORD_BYTES,
  readRecords,
  TEST_FILE,
  TRAIN_FILE,
} from "./records.js";
import { balancedSubset } from "./subset.js";
import type { Dataset, ImageSet } from "./types.js";

/** How many images to take of each file; all of them where left out. Which ones: see subset.ts. */
export interface DatasetLimits {
  readonly limitTrain?: number | undefined;
  readonly limitTest?: number | undefined;
}

/**
 * Reads CIFAR-100 in the official binary layout: the training images from train.bin and the test images
 * from test.bin, never otherwise.
 * @param directory the folder that holds both files
 * @throws inputError if the folder or a file is missing, unreadable, empty, of a wrong size or has a label
 *   above 99, or a limit is not a positive integer or more than there are
 */
export function loadCifar100(directory: string, limits: DatasetLimits = {}): Dataset {
  return {
    name: "cifar100",
    numClasses: 100,
    train: loadSet(directory, TRAIN_FILE, "train", limits.limitTrain),
    test: loadTestSet(directory, limits.limitTest),
    directory,
  };
}

/**
 * Reads the test images alone (test.bin); the same images as loadCifar100 gives with the same limit.
 * @throws inputError as loadCifar100 does
 */
export function loadTestSet(directory: string, limitTest?: number): ImageSet {
  return loadSet(directory, TEST_FILE, "test", limitTest);
}

/** The whole file of training images, whatever part of it a run takes: how many there are, and its sha256. */
export function trainFileIdentity(directory: string): { images: number; sha256: string } {
  const bytes = readFileSync(join(directory, TRAIN_FILE));
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { images: bytes.length / RECORD_BYTES, sha256 };
}

function loadSet(directory: string, file: string, name: string, limit?: number): ImageSet {
  checkDirectory(directory);
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw inputError(`--limit_${name} must be a positive whole number, not ${limit}.`);
  }
  const records = readRecords(join(directory, file));
  if (limit === undefined) return decodeRecords(records);
  const count = records.length / RECORD_BYTES;
  if (limit > count) {
    throw inputError(
      `--limit_${name} asks for ${limit} images, but ${join(directory, file)} has ${count}.`,
      "Leave it out to take all of them.",
    );
  }
  return decodeRecords(records, balancedSubset(fineLabels(records), limit, name));
}

function checkDirectory(directory: string): void {
  const found = statSync(directory, { throwIfNoEntry: false });
  if (found === undefined) {
    throw inputError(
      `The data folder ${directory} does not exist.`,
      "Fetch it with `pefd data fetch`, make one with `pefd data synthesize --out DIR`, or name it with --data DIR.",
    );
  }
  if (!found.isDirectory()) {
    throw inputError(
      `${directory} is not a folder.`,
      `Name the folder that holds ${TRAIN_FILE} and ${TEST_FILE} with --data DIR.`,
    );
  }
  const inner = join(directory, "cifar-100-binary");
  if (!existsSync(join(directory, TEST_FILE)) && existsSync(join(inner, TEST_FILE))) {
    throw inputError(
      `${directory} holds no ${TEST_FILE}.`,
      `Name the folder in it: --data ${inner}`,
    );
  }
}
