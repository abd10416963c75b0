import { readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { inputError } from "../../common/errors.js";
import {
  makeFolder,
  removeStaleTemporaryFiles,
  replaceTogether,
  writeError,
  writeFileWhole,
} from "../../common/files/atomicFile.js";
import { readInputFile } from "../../common/files/inputFile.js";
import { createRandom } from "../../common/random.js";
import type { PartName } from "../binary/records.js";
import type { SyntheticOptions } from "../dataset.js";
import { storedPng } from "../images/png.js";
import { classPatterns, drawImage } from "./patterns.js";

/** A square image as a PNG file, the same bytes everywhere. @param planes [3, side, side] bytes */
export function pngOf(planes: Uint8Array, side: number): Buffer {
  const bytes = new Uint8Array(planes.length);
  for (let i = 0; i < planes.length; i++) {
    const [channel, pixel] = [Math.floor(i / side ** 2), i % side ** 2];
    bytes[pixel * 3 + channel] = planes[i] as number;
  }
  return storedPng({ height: side, width: side, bytes });
}

/** The files of a data set by name; the last one is missing wherever the set is not complete. */
type Files = ReadonlyMap<string, Uint8Array>;

/** Names in a folder but for unfinished files that a killed run left; none where there is no folder. */
function namesIn(directory: string): string[] {
  try {
    const entries = readdirSync(directory, { withFileTypes: true, recursive: true });
    const files = entries.filter((entry) => !entry.isDirectory());
    const paths = files.map((entry) => relative(directory, join(entry.parentPath, entry.name)));
    return paths.filter((name) => !name.endsWith(".pefd-tmp"));
  } catch {
    return [];
  }
}

function hasBytes(path: string, bytes: Uint8Array): boolean {
  try {
    return Buffer.compare(readInputFile(path, { maxBytes: bytes.length }), bytes) === 0;
  } catch {
    return false;
  }
}

/** Whether a folder holds this set already. @throws inputError for anything else but a part of it, unless forced */
function holdsSet(directory: string, files: Files, force: boolean): boolean {
  const names = namesIn(directory);
  const own = [...files].filter(([name]) => names.includes(name));
  const other = own.find(([name, bytes]) => !hasBytes(join(directory, name), bytes));
  const foreign = names.find((name) => !files.has(name));
  if (force || (other === undefined && foreign === undefined)) {
    return other === undefined && own.length === files.size;
  }
  const [held, what] = other ? [other[0], "another data set"] : [foreign, "other files"];
  throw inputError(
    `${directory} holds ${what} (${held}). Nothing was changed.`,
    "Give another folder with --out DIR, or write into this one with --force.",
  );
}

/** From so many files on, each is not made durable by itself: that would take minutes. */
const MANY = 100;

/** Writes a set into a folder, and what it has of folders below; no reader ever finds files of two sets. */
async function writeSet(directory: string, files: Files): Promise<void> {
  for (const folder of new Set([...files.keys()].map((name) => dirname(join(directory, name))))) {
    makeFolder(folder);
    await removeStaleTemporaryFiles(folder);
  }
  const all = Array.from(files, ([name, bytes]) => [join(directory, name), bytes] as const);
  const first = all.length < MANY ? [] : all.slice(0, -1);
  for (const [path, bytes] of first) {
    try {
      writeFileWhole(path, bytes);
    } catch (error) {
      throw await writeError(path, error);
    }
  }
  await replaceTogether(all.slice(first.length));
}

export interface SyntheticSet extends Omit<SyntheticOptions, "force" | "classes"> {
  readonly classes: number;
  readonly side: number;
}

/** Draws the images of one split, the classes as balanced as the numbers allow and in random order. */
export function drawImages(
  { seed, classes, side, ...counts }: SyntheticSet,
  part: PartName,
  take: (planes: Uint8Array, label: number, index: number) => void,
): void {
  const labels = Int32Array.from({ length: counts[part] }, (_, i) => i % classes);
  createRandom(seed, "synthetic order", part).shuffle(labels);
  const random = createRandom(seed, "synthetic images", part);
  const patterns = classPatterns(seed, classes);
  for (const [i, label] of labels.entries()) {
    const pattern = patterns[label];
    if (pattern !== undefined) take(drawImage(pattern, random, side), label, i);
  }
}

/**
 * Writes a small synthetic data set, learnable by a small network (see ClassPattern); equal options give equal bytes.
 * @param directory made if it does not exist; one that holds these very bytes already is left as it is
 * @param most the data set's classes
 * @param filesOf the files by name; the last one is missing wherever the set is not complete
 * @throws inputError if a number is out of range, the folder holds anything else and `force` is not given, or its path
 * leads through a file; runError if it cannot be written (a full disk)
 */
export async function writeSynthetic(
  directory: string,
  { classes, force = false, ...numbers }: SyntheticOptions,
  { side, most }: { readonly side: number; readonly most: number },
  filesOf: (set: SyntheticSet) => ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const set = { ...numbers, classes: classes ?? most, side };
  checkNumber("train", set.train, 1, 1_000_000);
  checkNumber("test", set.test, 1, 1_000_000);
  checkNumber("seed", set.seed, 0, Number.MAX_SAFE_INTEGER);
  checkNumber("classes", set.classes, 1, most);
  const files = filesOf(set);
  if (holdsSet(directory, files, force)) return;
  await writeSet(directory, files);
}

/** A text file of names, one a line. */
export const linesOf = (names: readonly string[]): Uint8Array => Buffer.from(`${names.join("\n")}\n`);

function checkNumber(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw inputError(`--${name} must be an integer from ${least} to ${most}, not ${value}.`);
}
