import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { environmentError } from "../errors.js";
import { isGone, ownMark } from "../processMark.js";
import { describeFailure, syncFolder, writeError, writeFileAtomic } from "./atomicFile.js";

/** The suffix of mkdtemp. */
const RANDOM = /-[A-Za-z0-9]{6}$/;

/** Removes the folders of such a name that killed processes left; those of others stay where we may not touch them. */
function removeLeftovers(parent: string, start: string): void {
  for (const name of readdirSync(parent)) {
    const isLeft = name.startsWith(start) && isGone(name.slice(start.length).replace(RANDOM, ""));
    if (isLeft) tryRemove(join(parent, name));
  }
}

function tryRemove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Another user's.
  }
}

function make(parent: string, start: string): string {
  try {
    removeLeftovers(parent, start);
    return mkdtempSync(join(parent, `${start}${ownMark()}-`));
  } catch (error) {
    const reason = describeFailure(error as NodeJS.ErrnoException);
    throw environmentError(
      `The folder for temporary files, ${parent}, cannot be used: ${reason}.`,
      "Set TMPDIR to an existing folder with free space.",
    );
  }
}

/**
 * Does work with a temporary folder, which is removed afterwards; one that a SIGKILL leaves is removed by the next
 * process that makes one of this name.
 * @param name what it is for: letters and dashes
 * @throws environmentError where no such folder can be made
 */
export function withTemporaryFolder<Result>(name: string, work: (folder: string) => Result): Result {
  const folder = make(tmpdir(), `pefd-${name}-`);
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Ends the names of a folder that is being made, and of the one that it replaces. */
const PARTIAL = ".partial";
const REPLACED = ".replaced";

/**
 * Writes a folder of files so that readers see all of it or nothing.
 * A folder that was there before is replaced as a whole; that it may be is for the caller to know.
 * @param files bytes by path inside of the folder
 * @throws runError or inputError as writeFileAtomic does
 */
export const writeFolderAtomic = (path: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> =>
  makeFolderAtomic(path, async (temporary) => {
    for (const [name, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(temporary, name)), { recursive: true });
      await writeFileAtomic(join(temporary, name), bytes);
    }
  });

/**
 * Makes a folder beside its place and renames it, so that readers see all of it or nothing.
 * A folder that was there before is replaced as a whole; that it may be is for the caller to know.
 * @param fill writes into the folder that is being made, durably; what it throws is passed on, and nothing is left
 * @throws runError or inputError as writeFileAtomic does
 */
export async function makeFolderAtomic(path: string, fill: (temporary: string) => Promise<void>): Promise<void> {
  const folder = resolve(path);
  mendFolder(folder);
  const unique = `${ownMark()}-${randomBytes(6).toString("hex")}`;
  const temporary = join(dirname(folder), `.${basename(folder)}.${unique}${PARTIAL}`);
  try {
    await mkdir(temporary);
    await fill(temporary);
    await moveIntoPlace(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw await writeError(path, error);
  }
}

/** No system call of Node.js exchanges two folders: between two renames the old one stands aside. */
async function moveIntoPlace(temporary: string, folder: string): Promise<void> {
  const occupied = await readdir(folder).then(
    (names) => names.length > 0,
    () => false,
  );
  if (!occupied) {
    await rename(temporary, folder);
    return syncFolder(dirname(folder));
  }
  const replaced = `${temporary}${REPLACED}`;
  await rename(folder, replaced);
  try {
    await rename(temporary, folder);
  } catch (error) {
    await rename(replaced, folder);
    throw error;
  }
  await syncFolder(dirname(folder));
  await rm(replaced, { recursive: true, force: true });
}

/**
 * Brings in order what writers of a folder left that were killed: where the old folder stands aside and nothing is in
 * its place, the new one, which was complete by then, takes it. What they left unfinished or replaced goes.
 */
export function mendFolder(path: string): void {
  const folder = resolve(path);
  const beside = (name: string): string => join(dirname(folder), name);
  const left = leftovers(folder);
  for (const name of left.filter((each) => each.endsWith(REPLACED))) {
    const made = name.slice(0, -REPLACED.length);
    tryRename(beside(left.includes(made) ? made : name), folder);
  }
  for (const name of left) rmSync(beside(name), { recursive: true, force: true });
}

/** Renames a folder where nothing, or an empty one, stands in its way. */
function tryRename(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch {
    // The place is taken: the writer was killed after it had put the new folder there.
  }
}

/** The names that killed writers of a folder left beside it. */
function leftovers(folder: string): string[] {
  const start = `.${basename(folder)}.`;
  const isLeft = (name: string): boolean => {
    const ending = [`${PARTIAL}${REPLACED}`, PARTIAL].find((each) => name.endsWith(each));
    if (!name.startsWith(start) || ending === undefined) return false;
    return isGone(name.slice(start.length, -ending.length));
  };
  try {
    return readdirSync(dirname(folder)).filter(isLeft);
  } catch {
    return [];
  }
}
