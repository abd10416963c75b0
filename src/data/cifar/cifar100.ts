import { createHash } from "node:crypto";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import type {
  Dataset,
  DatasetFiles,
  DatasetLimits,
  ImageFile,
  ImagesInMemory,
} from "../dataset.js";
import { balancedSubset } from "../subset.js";
import {
  decodeRecords,
  FINE_CLASSES,
  fineLabels,
  RECORD_BYTES,
  readRecords,
  TEST_FILE,
  TRAIN_FILE,
} from "./records.js";

/** CIFAR-100 as it was read: both sets are in memory. */
interface Cifar100 extends Dataset {
  readonly train: ImagesInMemory;
  readonly test: ImagesInMemory;
}

/**
 * Reads CIFAR-100 in the official binary layout: the training images from train.bin and the test images
 * from test.bin, never otherwise.
 * @param directory the folder that holds both files
 * @throws inputError if the folder or a file is missing, unreadable, empty, of a wrong size or has a label
 *   above 99, or a limit is not a positive integer or more than there are
 */
export function loadCifar100(directory: string, limits: DatasetLimits = {}): Cifar100 {
  const train = readSet(directory, TRAIN_FILE, "train", limits.limitTrain);
  const test = readSet(directory, TEST_FILE, "test", limits.limitTest);
  return {
    name: "cifar100",
    numClasses: FINE_CLASSES,
    train: train.set,
    test: test.set,
    trainFile: imageFile(train.records),
    testFile: imageFile(test.records),
  };
}

/**
 * Reads the test images alone (test.bin); the same images as loadCifar100 gives with the same limit.
 * @throws inputError as loadCifar100 does
 */
export function loadTestSet(directory: string, limitTest?: number): ImagesInMemory {
  return readSet(directory, TEST_FILE, "test", limitTest).set;
}

/**
 * The checksums of both files as they are now, of the same bytes as those of loadCifar100.
 * @throws inputError as loadCifar100 does
 */
export function cifar100Files(directory: string): DatasetFiles {
  checkDirectory(directory);
  const file = (name: string) => imageFile(readRecords(join(directory, name)));
  return { trainFile: file(TRAIN_FILE), testFile: file(TEST_FILE) };
}

const imageFile = (records: Uint8Array): ImageFile => ({
  images: records.length / RECORD_BYTES,
  sha256: createHash("sha256").update(records).digest("hex"),
});

/** The images of a file, and its bytes. */
function readSet(
  directory: string,
  file: string,
  name: string,
  limit?: number,
): { set: ImagesInMemory; records: Uint8Array } {
  checkDirectory(directory);
  if (limit !== undefined && !(Number.isSafeInteger(limit) && limit > 0)) {
    throw inputError(`--limit_${name} must be a positive whole number, not ${limit}.`);
  }
  const records = readRecords(join(directory, file));
  if (limit === undefined) return { set: decodeRecords(records), records };
  const count = records.length / RECORD_BYTES;
  if (limit > count) {
    throw inputError(
      `--limit_${name} asks for ${limit} images, but ${join(directory, file)} has ${count}.`,
      "Leave it out to take all of them.",
    );
  }
  const chosen = balancedSubset(fineLabels(records), limit, name);
  return { set: decodeRecords(records, chosen), records };
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
