import { inputError, PefdError } from "../../common/errors.js";
import { readInputFile } from "../../common/files/inputFile.js";

export type ReadFile = { readonly bytes: Uint8Array; readonly sha256: string };

export type FilesAhead = ReadonlyMap<string, ReadFile>;

/** A file to read, if it has no more bytes. */
export type AheadOf = { readonly path: string; readonly maxBytes: number };

/** Hint for missing or corrupt files of a data set. @param name undefined for the default data set */
export function howToGet(name?: string): string {
  const it = name === undefined ? "" : ` ${name}`;
  return `Download the images with \`pefd data fetch${it}\`, or generate some with \`pefd data synthesize${it} --out DIR\`.`;
}

/** The same for a folder that is not there. */
export function howToPlace(name?: string): string {
  const it = name === undefined ? "" : ` ${name}`;
  return `Download it with \`pefd data fetch${it}\`, generate one with \`pefd data synthesize${it} --out DIR\`, or point to it with --data DIR.`;
}

export interface DataFileBounds {
  readonly maxBytes: number;
  /** Hint where it cannot be read; see howToGet. */
  readonly hint: string;
}

/** A data file's bytes. @throws inputError if it is missing, no regular file, unreadable or too large */
export function readDataFile(path: string, bounds: DataFileBounds): Uint8Array {
  try {
    return readInputFile(path, bounds);
  } catch (error) {
    throw unreadable(path, error, bounds.hint);
  }
}

function unreadable(path: string, error: unknown, hint: string): PefdError {
  if (error instanceof PefdError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOENT" || code === "ENOTDIR") {
    return inputError(`The data file ${path} does not exist.`, hint);
  }
  return inputError(`The data file ${path} cannot be read: ${message}`, hint);
}
