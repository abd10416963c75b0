import { createHash } from "node:crypto";
import { createWriteStream, existsSync, lstatSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { copyFile, rename, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { environmentError } from "../../common/errors.js";
import { describeFailure, makeFolder } from "../../common/files/atomicFile.js";

/** A file that was unpacked: where it goes in the target folder, its size in bytes and its sha256 (hex). */
export interface UnpackedFile {
  readonly path: string;
  readonly bytes: number;
  /** Not written down by setups before 0.2. */
  readonly sha256?: string;
}

/** Permission bits of a zip entry made on Unix, made readable for its owner at least. */
const permissions = (externalAttributes: number): number => ((externalAttributes >>> 16) & 0o755) | 0o644;

/** Unpacks some members of a zip archive. @param target a member's path below `folder`; undefined to leave it out */
export async function unpack(
  archive: string,
  folder: string,
  target: (member: string) => string | undefined,
): Promise<UnpackedFile[]> {
  const { openPromise } = await import("yauzl");
  const zip = await openPromise(archive, { lazyEntries: true });
  const files: UnpackedFile[] = [];
  for await (const entry of zip.eachEntry()) {
    const path = target(entry.fileName);
    if (path === undefined) continue;
    const file = join(folder, path);
    makeFolder(dirname(file));
    const content = await zip.openReadStreamPromise(entry);
    const mode = permissions(entry.externalFileAttributes);
    const hash = createHash("sha256");
    content.on("data", (chunk: Uint8Array) => hash.update(chunk));
    await pipeline(content, createWriteStream(file, { mode }));
    files.push({ path, bytes: entry.uncompressedSize, sha256: hash.digest("hex") });
  }
  return files;
}

/** Looks at a file of setup, maybe another user's. @throws environmentError where the system does not let this one */
export function lookAt<Seen>(path: string, look: () => Seen): Seen {
  try {
    return look();
  } catch (error) {
    throw environmentError(
      `${path}, a part of pefd's setup, cannot be read: ${describeFailure(error as NodeJS.ErrnoException)}.`,
      "Make it readable for this user, or set PEFD_CACHE to a folder that every user can read and type: pefd setup",
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
  const [one, other] = [a, b].map((path) => lookAt(path, () => readFileSync(path)));
  return one !== undefined && other !== undefined && one.equals(other);
}

/** Whether `path` is a symbolic link to exactly `target` and something lies there. @throws as lookAt does */
export function isLinkTo(path: string, target: string): boolean {
  const status = lookAt(path, () => lstatSync(path, { throwIfNoEntry: false }));
  return status?.isSymbolicLink() === true && readlinkSync(path) === target && existsSync(path);
}

/** Changes a file of setup, maybe another user's. @throws environmentError where the system does not let this one */
export async function changeAt(path: string, change: () => Promise<void>): Promise<void> {
  try {
    await change();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "EACCES" && code !== "EPERM" && code !== "EROFS") throw error;
    throw environmentError(
      `${path}, a part of pefd's setup, cannot be written: ${describeFailure(error as NodeJS.ErrnoException)}.`,
      "Let its owner type: pefd setup",
    );
  }
}

/** Moves a file to where it belongs; at no moment does a part of it lie there. */
export async function moveIntoPlace(from: string, to: string): Promise<void> {
  makeFolder(dirname(to));
  await changeAt(to, () => rename(from, to));
}

/** Copies a file to another place; at no moment does a part of it lie there. */
export async function copyIntoPlace(from: string, to: string): Promise<void> {
  const temporary = `${to}.new`;
  makeFolder(dirname(to));
  await changeAt(to, async () => {
    await copyFile(from, temporary);
    await rename(temporary, to);
  });
}

/** Makes `path` a symbolic link to `target`, in place of whatever lies there. */
export async function linkInPlace(target: string, path: string): Promise<void> {
  const temporary = `${path}.new`;
  makeFolder(dirname(path));
  await changeAt(path, async () => {
    await rm(temporary, { force: true });
    await symlink(target, temporary);
    const status = lstatSync(path, { throwIfNoEntry: false });
    if (status?.isDirectory()) await rm(path, { recursive: true });
    await rename(temporary, path);
  });
}
