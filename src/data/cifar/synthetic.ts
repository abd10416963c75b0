import { inputError } from "../../common/errors.js";
import { makeFolder } from "../../common/makeFolder.js";
import { createRandom } from "../../common/random.js";
import {
  COARSE_NAMES_FILE,
  FINE_CLASSES,
  FINE_NAMES_FILE,
  IMAGE_BYTES,
  RECORD_BYTES,
  TEST_FILE,
  TRAIN_FILE,
} from "./records.js";
import { holdsSet, writeSet } from "./setFolder.js";
import {
  type ClassPattern,
  classPatterns,
  coarseNames,
  coarseOf,
  drawImage,
  fineNames,
} from "./syntheticPatterns.js";

/** What to make. */
export interface SyntheticOptions {
  /** Images in train.bin and in test.bin. */
  readonly train: number;
  readonly test: number;
  readonly seed: number;
  /** Classes that occur, the first so many of 100; all when left out. */
  readonly classes?: number | undefined;
  /** Whether another data set may be replaced, and a folder of other files written into. */
  readonly force?: boolean | undefined;
}

/**
 * Writes a small artificial data set in CIFAR-100's format and learnable by a small network: each class
 * has a colour and a wave pattern of its own (see ClassPattern). The classes are as balanced as the
 * numbers allow. The same options give the same bytes.
 * @param directory made if it does not exist; one that holds these very bytes already is left as it is
 * @throws inputError if a number is out of range, the folder holds anything else and `force` is not given, or its path
 *   leads through a file; runError if it cannot be written (a full disk)
 */
export async function synthesize(directory: string, options: SyntheticOptions): Promise<void> {
  const { train, test, seed, classes = FINE_CLASSES, force = false } = options;
  checkNumber("train", train, 1, 1_000_000);
  checkNumber("test", test, 1, 1_000_000);
  checkNumber("seed", seed, 0, Number.MAX_SAFE_INTEGER);
  checkNumber("classes", classes, 1, FINE_CLASSES);
  const patterns = classPatterns(seed).slice(0, classes);
  const files = new Map<string, Uint8Array>([
    [FINE_NAMES_FILE, lines(fineNames())],
    [COARSE_NAMES_FILE, lines(coarseNames())],
    [TRAIN_FILE, drawRecords(patterns, train, seed, "train")],
    [TEST_FILE, drawRecords(patterns, test, seed, "test")],
  ]);
  if (holdsSet(directory, files, force)) return;
  makeFolder(directory);
  await writeSet(directory, files);
}

const lines = (names: readonly string[]): Uint8Array => Buffer.from(`${names.join("\n")}\n`);

function checkNumber(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw inputError(`--${name} must be a whole number from ${least} to ${most}, not ${value}.`);
}

/** [count * 3074] bytes, the classes in random order. */
function drawRecords(
  patterns: readonly ClassPattern[],
  count: number,
  seed: number,
  name: string,
): Uint8Array {
  const labels = Int32Array.from({ length: count }, (_, i) => i % patterns.length);
  createRandom(seed, "synthetic order", name).shuffle(labels);
  const random = createRandom(seed, "synthetic images", name);
  const records = new Uint8Array(count * RECORD_BYTES);
  for (const [i, label] of labels.entries()) {
    const start = i * RECORD_BYTES;
    records[start] = coarseOf(label);
    records[start + 1] = label;
    drawImage(patterns[label] as ClassPattern, random, records, start + RECORD_BYTES - IMAGE_BYTES);
  }
  return records;
}
