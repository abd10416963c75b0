import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { writeError, writeFileAtomic } from "./atomicFile.js";

/**
 * Writes a folder of files so that readers see all of it or nothing: it is made beside its place and renamed.
 * A folder that was there before is replaced as a whole; that it may be is for the caller to know.
 * @param files bytes by path inside of the folder
 * @throws runError or inputError as writeFileAtomic does
 */
export async function writeFolderAtomic(
  path: string,
  files: Readonly<Record<string, Uint8Array>>,
): Promise<void> {
  const folder = resolve(path);
  const unique = randomBytes(6).toString("hex");
  const temporary = join(dirname(folder), `.${basename(folder)}.${unique}.partial`);
  try {
    await mkdir(temporary);
    for (const [name, bytes] of Object.entries(files)) {
      await mkdir(dirname(join(temporary, name)), { recursive: true });
      await writeFileAtomic(join(temporary, name), bytes);
    }
    await moveIntoPlace(temporary, folder);
  } catch (error) {
    await rm(temporary, { recursive: true, force: true }).catch(() => undefined);
    if ((error as NodeJS.ErrnoException).code === undefined) throw error;
    throw await writeError(path, error);
  }
}

async function moveIntoPlace(temporary: string, folder: string): Promise<void> {
  const occupied = await readdir(folder).then(
    (names) => names.length > 0,
    () => false,
  );
  if (!occupied) return rename(temporary, folder);
  const replaced = `${temporary}.replaced`;
  await rename(folder, replaced);
  try {
    await rename(temporary, folder);
  } catch (error) {
    await rename(replaced, folder);
    throw error;
  }
  await rm(replaced, { recursive: true, force: true });
}
