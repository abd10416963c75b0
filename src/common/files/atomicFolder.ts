import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, renameSync, rmSync } from "node:fs";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, dirname, join, resolve } from "node:path";
import { environmentError } from "../errors.js";
import { isGone, ownMark } from "../processMark.js";
import { describeFailure, syncFolder, writeError, writeFileAtomic } from "./atomicFile.js";

const RANDOM = /-[A-Za-z0-9]{6}$/;

/** Removes folders of killed processes, except those that we may not touch. */
function removeLeftovers(parent: string, start: string): void {
  for (const name of readdirSync(parent)) {
    const isLeft = name.startsWith(start) && isGone(name.slice(start.length).replace(RANDOM, ""));
    if (isLeft) attempt(() => rmSync(join(parent, name), { recursive: true, force: true }));
  }
}

function attempt(act: () => void): void {
  try {
    act();
  } catch {
    // Another user's, or done by another process.
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
 * Runs work with a temporary folder; leftovers of a SIGKILL are removed by the next process that uses this name.
 * @param name letters and dashes
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

/** Suffixes of a folder that is being made, and of the one that it replaces. */
const PARTIAL = ".partial";
const REPLACED = ".replaced";

/** Writes files by path atomically as a folder, in place of an existing one. @throws as writeFileAtomic */
export const writeFolderAtomic = (path: string, files: Readonly<Record<string, Uint8Array>>): Promise<void> =>
  makeFolderAtomic(path, async (temporary) => {
    for (const [name, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(temporary, name)), { recursive: true });
      await writeFileAtomic(join(temporary, name), bytes);
    }
  });

/**
 * Makes a folder beside its place and renames it, in place of an existing one.
 * @param fill writes durably into the temporary folder
 * @throws as writeFileAtomic, or fill
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

/** Node.js cannot exchange two folders atomically: the old one stands aside between two renames. */
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

/** Cleans up after killed writers of a folder: completes an interrupted replacement, removes leftovers. */
export function mendFolder(path: string): void {
  const folder = resolve(path);
  const beside = (name: string): string => join(dirname(folder), name);
  const left = leftovers(folder);
  for (const name of left.filter((each) => each.endsWith(REPLACED))) {
    const made = name.slice(0, -REPLACED.length);
    // Fails where it is occupied: the writer was killed after its rename.
    attempt(() => renameSync(beside(left.includes(made) ? made : name), folder));
  }
  for (const name of left) rmSync(beside(name), { recursive: true, force: true });
}

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
