import { readdirSync } from "node:fs";
import { join } from "node:path";
import { removeStaleTemporaryFiles, replaceTogether } from "../../common/atomicFile.js";
import { inputError } from "../../common/errors.js";
import { readInputFile } from "../../common/inputFile.js";

/** The files of a data set by name; the last one is missing wherever the set is not complete. */
type Files = ReadonlyMap<string, Uint8Array>;

/** Names in a folder but for unfinished files that a killed run left; none where there is no folder. */
function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory).filter((name) => !name.endsWith(".pefd-tmp"));
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

/**
 * Looks at a folder that a set is to be written into. An empty one is free, and so is one that holds a part of this very
 * set: its being written was interrupted.
 * @returns whether it holds this set already
 * @throws inputError where it holds anything else and may not be written into
 */
export function holdsSet(directory: string, files: Files, force: boolean): boolean {
  const names = namesIn(directory);
  const own = [...files].filter(([name]) => names.includes(name));
  const other = own.find(([name, bytes]) => !hasBytes(join(directory, name), bytes));
  const foreign = names.find((name) => !files.has(name));
  if (force || (other === undefined && foreign === undefined)) {
    return other === undefined && own.length === files.size;
  }
  const [held, what] = other ? [other[0], "another data set"] : [foreign, "other files"];
  throw inputError(
    `${directory} holds ${what} (${held}); it is left as it is.`,
    "Name another folder with --out DIR, or write into this one with --force.",
  );
}

/** Writes a set into a folder that is there; no reader ever finds files of two sets. */
export async function writeSet(directory: string, files: Files): Promise<void> {
  await removeStaleTemporaryFiles(directory);
  await replaceTogether(
    Array.from(files, ([name, bytes]) => [join(directory, name), bytes] as const),
  );
}
