import { randomBytes } from "node:crypto";
import { lstat, open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { inputError, type PefdError, runError } from "./errors.js";

/** Ends the name of every file that is not finished yet, so that what a SIGKILL leaves can be found. */
const TEMPORARY_ENDING = ".pefd-tmp";
const TEMPORARY_NAME = /^\..+\.[0-9a-f]{12}\.pefd-tmp$/;

/**
 * Writes a file so that readers, a crash or a power cut see either the old content or the new one, never a part:
 * temporary file in the same folder, fsync, rename, fsync of the folder.
 * @param path the file; its folder must exist
 * @param data text (UTF-8) or bytes
 * @throws runError (disk full, read-only, not permitted) or inputError (no such folder, a folder in its place)
 */
export async function writeFileAtomic(path: string, data: string | Uint8Array): Promise<void> {
  const temporary = temporaryPath(path);
  try {
    await writeDurably(temporary, data);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw await writeError(path, error);
  }
  await syncFolder(dirname(path));
}

/**
 * Removes the temporary files that killed writers left in a folder (not below it).
 * Call it only while nobody else writes there. A missing folder has none.
 * @returns the names removed
 */
export async function removeStaleTemporaryFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw runError(`The folder ${folder} cannot be read: ${describe(error)}.`);
  });
  const stale = names.filter((name) => TEMPORARY_NAME.test(name));
  for (const name of stale) await rm(join(folder, name), { force: true });
  return stale;
}

function temporaryPath(path: string): string {
  const unique = randomBytes(6).toString("hex");
  return join(dirname(path), `.${basename(path)}.${unique}${TEMPORARY_ENDING}`);
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
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, "r").catch(() => undefined);
  if (!handle) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
}

const RUN_FAILURES: Readonly<Record<string, string>> = {
  ENOSPC: "the disk is full",
  EDQUOT: "the disk quota is used up",
  EROFS: "the file system is read-only",
  EACCES: "permission denied",
  EPERM: "the operation is not permitted",
  EIO: "the disk reports an input/output error",
  EMFILE: "too many files are open",
};

const INPUT_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: "its folder does not exist",
  ENOTDIR: "a part of its path is not a folder",
  EISDIR: "there is a folder of that name",
  ENAMETOOLONG: "its name is too long",
};

function describe(error: NodeJS.ErrnoException): string {
  const code = error.code ?? "";
  return RUN_FAILURES[code] ?? INPUT_FAILURES[code] ?? error.message;
}

/** What a failed write of a path is to people. */
export async function writeError(path: string, cause: unknown): Promise<PefdError> {
  const error = cause as NodeJS.ErrnoException;
  const exists = await lstat(path).then(
    (stats) => stats.isFile(),
    () => false,
  );
  const intact = exists ? " The file that was there before is intact." : "";
  const message = `${path} could not be written: ${describe(error)}.${intact}`;
  if (error.code !== undefined && error.code in INPUT_FAILURES) return inputError(message);
  const full = error.code === "ENOSPC" || error.code === "EDQUOT";
  return runError(message, full ? "Free some space, then run the command again." : undefined);
}
