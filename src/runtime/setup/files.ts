import { existsSync, lstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { copyFile, rename, rm, symlink } from "node:fs/promises";
import { dirname } from "node:path";
import { environmentError } from "../../common/errors.js";
import { makeFolder } from "../../common/files/makeFolder.js";
import { describeFailure } from "../../common/files/writeError.js";

/**
 * Looks at a file of set-up, which may be another user's.
 * @throws environmentError where the system does not let this one
 */
export function lookAt<Seen>(path: string, look: () => Seen): Seen {
  try {
    return look();
  } catch (error) {
    throw environmentError(
      `${path}, a part of pefd's set-up, cannot be read: ${describeFailure(error as NodeJS.ErrnoException)}.`,
      "Let this user read it, or set PEFD_CACHE to a folder that every user can read and type: pefd setup",
    );
  }
}

/** Size of a regular file in bytes; undefined where there is none. @throws as lookAt does */
export function fileSize(path: string): number | undefined {
  const status = lookAt(path, () => statSync(path, { throwIfNoEntry: false }));
  return status?.isFile() ? status.size : undefined;
}

/** Whether both files exist and hold the same bytes. */
export function sameContent(a: string, b: string): boolean {
  if (fileSize(a) === undefined || fileSize(a) !== fileSize(b)) return false;
  return readFileSync(a).equals(readFileSync(b));
}

/** Whether `path` is a symbolic link to exactly `target` and something lies there. @throws as lookAt does */
export function isLinkTo(path: string, target: string): boolean {
  const status = lookAt(path, () => lstatSync(path, { throwIfNoEntry: false }));
  return status?.isSymbolicLink() === true && readlinkSync(path) === target && existsSync(path);
}

/** Moves a file to where it belongs; at no moment does a part of it lie there. */
export async function moveIntoPlace(from: string, to: string): Promise<void> {
  makeFolder(dirname(to));
  await rename(from, to);
}

/** Copies a file to another place; at no moment does a part of it lie there. */
export async function copyIntoPlace(from: string, to: string): Promise<void> {
  const temporary = `${to}.new`;
  makeFolder(dirname(to));
  await copyFile(from, temporary);
  await rename(temporary, to);
}

/** Makes `path` a symbolic link to `target`, in place of whatever lies there. */
export async function linkInPlace(target: string, path: string): Promise<void> {
  const temporary = `${path}.new`;
  makeFolder(dirname(path));
  await rm(temporary, { force: true });
  await symlink(target, temporary);
  const status = lstatSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory()) await rm(path, { recursive: true });
  await rename(temporary, path);
}
