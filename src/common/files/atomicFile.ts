import { randomBytes } from "node:crypto";
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { inputError, type PefdError, runError } from "../errors.js";

/** The missing folders of a path, outermost first. @throws the system's error for a file in the way */
function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return missing.reverse();
    missing.push(folder);
    if (folder === dirname(folder)) return missing.reverse();
  }
}

function makeOne(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    const isThere = statSync(folder, { throwIfNoEntry: false })?.isDirectory();
    if (!isThere) throw error; // unless another process was faster
  }
}

function failed(path: string, error: NodeJS.ErrnoException): PefdError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "no folders can be created here",
    EEXIST: "a file is in the way",
    ENOTDIR: "a file is in the way",
  };
  const reason = reasons[error.code ?? ""] ?? describeFailure(error);
  const fail = error.code === "EEXIST" || isInputFailure(error) ? inputError : runError;
  return fail(`The folder ${path} cannot be made: ${reason}.`);
}

/**
 * mkdir -p; Node.js's own never returns in folders that take no others, as below /proc.
 * @throws inputError for a file in the way or a place that takes no folders; runError where the disk refuses
 */
export function makeFolder(path: string): void {
  try {
    for (const folder of missingFolders(path)) makeOne(folder);
  } catch (error) {
    throw failed(path, error as NodeJS.ErrnoException);
  }
}

const RUN_FAILURES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EIO: "the disk reports an input/output error",
  EMFILE: "too many files are open",
  ENFILE: "too many files are open on this machine",
  EPIPE: "its reader closed the pipe",
};

const INPUT_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist",
  ENOTDIR: "a part of its path is not a folder",
  EISDIR: "there is a folder of that name",
  ELOOP: "its links form a loop",
  ENAMETOOLONG: "its name is too long",
};

/** The reason of a system error in words. */
export function describeFailure(error: NodeJS.ErrnoException): string {
  const code = error.code ?? "";
  return RUN_FAILURES[code] ?? INPUT_FAILURES[code] ?? error.message;
}

/** Whether the path is to blame, not the disk. */
export const isInputFailure = ({ code }: NodeJS.ErrnoException): boolean =>
  code !== undefined && Object.hasOwn(INPUT_FAILURES, code);

/** The error for a failed write. */
export async function writeError(path: string, cause: unknown): Promise<PefdError> {
  const error = cause as NodeJS.ErrnoException;
  const exists = await lstat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
  const intact = exists ? " The previous file is intact." : "";
  const message = `${path} could not be written: ${describeFailure(error)}.${intact}`;
  if (isInputFailure(error)) return inputError(message);
  const full = error.code === "ENOSPC" || error.code === "EDQUOT";
  return runError(message, full ? "Free some space, then run the command again." : undefined);
}

/** Marks unfinished files, so that leftovers of a SIGKILL can be found. */
const TEMPORARY_ENDING = ".pefd-tmp";
const TEMPORARY_NAME = /^\..+\.[0-9a-f]{12}\.pefd-tmp$/;

/** Whether a name is of an unfinished file. */
export const isTemporary = (name: string): boolean => TEMPORARY_NAME.test(name);

/**
 * Writes a file atomically and durably: temporary file, fsync, rename, fsync of the folder.
 * @param path its folder must exist
 * @param staging folder of the temporary file, on the same disk: another one where somebody would read it
 * @throws runError (disk full, read-only, not permitted) or inputError (no such folder, a folder in its place)
 */
export const writeFileAtomic = (path: string, data: string | Uint8Array, staging = dirname(path)): Promise<void> =>
  replaceTogether([[path, data]], staging);

/**
 * Replaces files of one folder so that nobody finds some new and others old: all are written first, and the last one is
 * absent while the others are renamed.
 * @param files content by path
 * @param staging folder of the temporary files; each file's own by default
 * @throws as writeFileAtomic, before any replacement where the disk is full
 */
export async function replaceTogether(
  files: readonly (readonly [path: string, data: string | Uint8Array])[],
  staging?: string,
): Promise<void> {
  const staged = files.map(([path, data]) => {
    const temporary = temporaryPath(path, staging ?? dirname(path));
    return { path, data, temporary };
  });
  let at = "";
  try {
    for (const { path, data, temporary } of staged) {
      at = path;
      await writeDurably(temporary, data);
    }
    const last = staged.at(-1);
    if (staged.length > 1 && last) await removeDurably(last.path);
    for (const { path, temporary } of staged) {
      at = path;
      await rename(temporary, path);
      await syncFolder(dirname(path));
    }
  } catch (error) {
    for (const { temporary } of staged) await rm(temporary, { force: true }).catch(() => undefined);
    throw await writeError(at, error);
  }
}

async function removeDurably(path: string): Promise<void> {
  await rm(path, { force: true });
  await syncFolder(dirname(path));
}

/** Removes temporary files of killed writers, best effort, only while nobody else writes. @returns their names */
export async function removeStaleTemporaryFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw runError(`The folder ${folder} cannot be read: ${describeFailure(error)}.`);
  });
  const stale = names.filter(isTemporary);
  for (const name of stale) await rm(join(folder, name), { force: true }).catch(() => undefined);
  return stale;
}

function temporaryPath(path: string, folder: string): string {
  const unique = randomBytes(6).toString("hex");
  return join(folder, `.${basename(path)}.${unique}${TEMPORARY_ENDING}`);
}

/** Writes a file whole or not at all, unless the machine loses power. @throws the system's error */
export function writeFileWhole(path: string, data: string | Uint8Array): void {
  const temporary = temporaryPath(path, dirname(path));
  try {
    writeFileSync(temporary, data, { flag: "wx" });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

async function writeDurably(path: string, data: string | Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes a rename durable; not all file systems can sync a folder. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  if (!handle) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
}
