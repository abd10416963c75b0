import { inputError } from "../../common/errors.js";
import { createRandom } from "../../common/random.js";
import type { PartName } from "../binary/part.js";
import type { SyntheticOptions } from "../dataset.js";
import { classPatterns, drawImage } from "./patterns.js";
import { holdsSet, writeSet } from "./setFolder.js";

/** What is to be made, with every number known and within its bounds. */
export interface SyntheticSet extends Omit<SyntheticOptions, "force" | "classes"> {
  readonly classes: number;
  /** Side of the square images in pixels. */
  readonly side: number;
}

/** Draws the images of one half, the classes as balanced as the numbers allow and in random order. */
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
 * Writes a small artificial data set, learnable by a small network: each class has a colour and a wave pattern of its own
 * (see ClassPattern). The same options give the same bytes.
 * @param directory made if it does not exist; one that holds these very bytes already is left as it is
 * @param most the data set's classes
 * @param filesOf the files of a set, by name; the last one is missing wherever the set is not complete
 * @throws inputError if a number is out of range, the folder holds anything else and `force` is not given, or its path
 *   leads through a file; runError if it cannot be written (a full disk)
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
export const linesOf = (names: readonly string[]): Uint8Array =>
  Buffer.from(`${names.join("\n")}\n`);

function checkNumber(name: string, value: number, least: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw inputError(`--${name} must be a whole number from ${least} to ${most}, not ${value}.`);
}
