import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../common/atomicFile.js";
import { inputError, runError } from "../common/errors.js";
import { createRandom } from "../common/random.js";
import {
  COARSE_NAMES_FILE,
  FINE_CLASSES,
  FINE_NAMES_FILE,
  IMAGE_BYTES,
  RECORD_BYTES,
  TEST_FILE,
  TRAIN_FILE,
} from "./records.js";
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
}

/**
 * Writes a small artificial data set in CIFAR-100's format and learnable by a small network: each class
 * has a colour and a wave pattern of its own (see ClassPattern). The classes are as balanced as the
 * numbers allow. The same options give the same bytes. An earlier synthetic data set is replaced.
 * @param directory made if it does not exist
 * @throws inputError if a number is out of range, the folder holds data that is not synthetic or its path
 *   leads through a file; runError if it cannot be written (a full disk)
 */
export async function synthesize(directory: string, options: SyntheticOptions): Promise<void> {
  const { train, test, seed, classes = FINE_CLASSES } = options;
  checkNumber("train", train, 1, 1_000_000);
  checkNumber("test", test, 1, 1_000_000);
  checkNumber("seed", seed, 0, Number.MAX_SAFE_INTEGER);
  checkNumber("classes", classes, 1, FINE_CLASSES);
  refuseOtherData(directory);
  const patterns = classPatterns(seed).slice(0, classes);
  makeFolder(directory);
  // The names mark the folder as synthetic, so they come first: a killed run can then be repeated.
  await writeFileAtomic(join(directory, FINE_NAMES_FILE), FINE_NAMES);
  await writeFileAtomic(join(directory, COARSE_NAMES_FILE), `${coarseNames().join("\n")}\n`);
  await writeFileAtomic(join(directory, TRAIN_FILE), drawRecords(patterns, train, seed, "train"));
  await writeFileAtomic(join(directory, TEST_FILE), drawRecords(patterns, test, seed, "test"));
}

const FINE_NAMES = `${fineNames().join("\n")}\n`;

function checkNumber(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw inputError(`--${name} must be a whole number from ${least} to ${most}, not ${value}.`);
}

/** Real images took a long download; only a folder whose names are ours may be overwritten. */
function refuseOtherData(directory: string): void {
  const found = [TRAIN_FILE, TEST_FILE].find((file) => existsSync(join(directory, file)));
  if (found === undefined) return;
  const names = join(directory, FINE_NAMES_FILE);
  if (existsSync(names) && readFileSync(names, "utf8") === FINE_NAMES) return;
  throw inputError(
    `${directory} holds a ${found} that \`pefd data synthesize\` did not make; it is left as it is.`,
    "Name another folder with --out DIR.",
  );
}

function makeFolder(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const fail = code === "EEXIST" || code === "ENOTDIR" ? inputError : runError;
    throw fail(`The folder ${directory} cannot be made: ${message}`);
  }
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
