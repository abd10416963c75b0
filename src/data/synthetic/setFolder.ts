import { readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import { inputError } from "../../common/errors.js";
import { removeStaleTemporaryFiles, replaceTogether } from "../../common/files/atomicFile.js";
import { readInputFile } from "../../common/files/inputFile.js";
import { makeFolder } from "../../common/files/makeFolder.js";
import { writeError } from "../../common/files/writeError.js";

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

/** From so many files on, each is not made durable by itself: that would take minutes. */
const MANY = 100;

/** Writes a set into a folder, and what it has of folders below; no reader ever finds files of two sets. */
export async function writeSet(directory: string, files: Files): Promise<void> {
  for (const folder of new Set([...files.keys()].map((name) => dirname(join(directory, name))))) {
    makeFolder(folder);
    await removeStaleTemporaryFiles(folder);
  }
  const all = Array.from(files, ([name, bytes]) => [join(directory, name), bytes] as const);
  const first = all.length < MANY ? [] : all.slice(0, -1);
  for (const [path, bytes] of first) await writeQuickly(path, bytes);
  await replaceTogether(all.slice(first.length));
}

/** Whole or not at all for whoever reads it, unless the machine loses power. */
async function writeQuickly(path: string, bytes: Uint8Array): Promise<void> {
  // Named as those of atomicFile.ts, so that what a killed process leaves is cleaned up as theirs is.
  const temporary = join(dirname(path), `.${basename(path)}.${"0".repeat(12)}.pefd-tmp`);
  try {
    writeFileSync(temporary, bytes);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw await writeError(path, error);
  }
}
