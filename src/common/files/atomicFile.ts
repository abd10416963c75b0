import { randomBytes } from "node:crypto";
import { mkdirSync, statSync } from "node:fs";
import { lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { inputError, type PefdError, runError } from "../errors.js";

/** The folders of a path that are missing, the outermost first. @throws the system's error where a file is in the way */
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
 * Makes a folder and those above it where they are missing. Node.js's own recursive mkdir never returns where a folder
 * is there and takes no other, as below /proc.
 * @throws inputError where a file is in the way or the place takes no folders; runError where the disk refuses
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

/** The system's reason in words. */
export function describeFailure(error: NodeJS.ErrnoException): string {
  const code = error.code ?? "";
  return RUN_FAILURES[code] ?? INPUT_FAILURES[code] ?? error.message;
}

/** Whether it is the path that the user gave. */
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

/** Ends the name of every file that is not finished yet, so that what a SIGKILL leaves can be found. */
const TEMPORARY_ENDING = ".pefd-tmp";
const TEMPORARY_NAME = /^\..+\.[0-9a-f]{12}\.pefd-tmp$/;

/** Whether a file's name is one of those that are not finished yet. */
export const isTemporary = (name: string): boolean => TEMPORARY_NAME.test(name);

/**
 * Writes a file so that readers, a crash or a power cut see either the old content or the new one, never a part:
 * temporary file in the same folder, fsync, rename, fsync of the folder.
 * @param path the file; its folder must exist
 * @param data text (UTF-8) or bytes
 * @param staging the folder of the temporary file, on the same disk: the file's own, unless somebody else would read it
 * @throws runError (disk full, read-only, not permitted) or inputError (no such folder, a folder in its place)
 */
export const writeFileAtomic = (path: string, data: string | Uint8Array, staging = dirname(path)): Promise<void> =>
  replaceTogether([[path, data]], staging);

/**
 * Replaces files of one folder that belong together, so that nobody ever finds some of them new and others old: all are
 * written beside their places first, and the last one is away until the others are in theirs.
 * @param files path and content of each
 * @param staging the folder of the temporary files; that of each file by default
 * @throws as writeFileAtomic does, before anything is replaced where the disk is full
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

/**
 * Removes the temporary files that killed writers left in a folder (not below it), as far as the disk lets it: what
 * stays takes room and is in nobody's way. Call it only while nobody else writes there. A missing folder has none.
 * @returns the names of such files
 */
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

async function writeDurably(path: string, data: string | Uint8Array): Promise<void> {
  const file = await open(path, "wx");
  try {
    await file.writeFile(data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the rename itself durable; some file systems cannot sync a folder, which loses nothing else. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  if (!handle) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
}
