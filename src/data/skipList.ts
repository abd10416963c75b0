import { inputError, PefdError } from "../common/errors.js";
import { readInputText } from "../common/files/inputFile.js";
import { sha256 } from "./checksums.js";

export interface SkipList {
  readonly file: string;
  readonly names: ReadonlySet<string>;
  /** Of the names, in whatever order they stand. */
  readonly sha256: string;
}

/** A million names of sixty letters. */
const MOST_BYTES = 2 ** 26;

/** Reads names, one a line; empty lines and those with # in front do not count. @throws inputError if unreadable */
export function readSkipList(file: string): SkipList {
  try {
    const lines = readInputText(file, { maxBytes: MOST_BYTES }).split("\n");
    const told = lines.map((line) => line.trim()).filter((line) => line && !line.startsWith("#"));
    const names = new Set(told);
    return { file, names, sha256: sha256([...names].sort().join("\n")) };
  } catch (error) {
    if (error instanceof PefdError) throw error;
    throw inputError(
      `The list ${file} cannot be read: ${(error as Error).message}.`,
      "`pefd data verify --skip_list FILE` writes one.",
    );
  }
}

/** The list that --skip_list names, where it names one. @throws inputError as readSkipList does */
export const skipListIn = (file: string | undefined): SkipList | undefined =>
  file === undefined ? undefined : readSkipList(file);

/** Refuses names that no image of a data set has: a list of another data set, or a slip. @throws inputError */
export function refuseUnknown({ file, names }: SkipList, known: Iterable<string>): void {
  const unknown = new Set(names);
  for (const name of known) unknown.delete(name);
  const [first] = unknown;
  if (first === undefined) return;
  throw inputError(
    `${file} names ${unknown.size === 1 ? "an image" : `${unknown.size} images`} not in the data set: ${first}.`,
    "Names are relative to the data set's folder, as `pefd data verify` and errors print them.",
  );
}

/** For data sets whose images have no names. @throws inputError where a list is given */
export function refuseSkipList(dataset: string, list: SkipList | undefined): void {
  if (list === undefined) return;
  throw inputError(`--skip_list does not work with ${dataset}: its images have no names.`, "Drop it.");
}
