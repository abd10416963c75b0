import { randomBytes } from "node:crypto";
import { open, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { runError } from "../errors.js";
import { describeFailure, writeError } from "./writeError.js";

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
export const writeFileAtomic = (
  path: string,
  data: string | Uint8Array,
  staging = dirname(path),
): Promise<void> => replaceTogether([[path, data]], staging);

/**
 * Replaces files of one folder that belong together, so that nobody ever finds some of them new and others old: all are
 * written beside their places first, and the last one is away until the others are in theirs.
 * @param files path and content of each
 * @param staging the folder of the temporary files; that of each file where left out
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
