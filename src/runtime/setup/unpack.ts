import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { makeFolder } from "../../common/files/makeFolder.js";

/** A file that was unpacked: where it goes in the target folder, its size in bytes and its sha256 (hex). */
export interface UnpackedFile {
  readonly path: string;
  readonly bytes: number;
  /** Not written down by set-ups before 0.2. */
  readonly sha256?: string;
}

/** Permission bits of a zip entry made on Unix, made readable for its owner at least. */
const permissions = (externalAttributes: number): number =>
  ((externalAttributes >>> 16) & 0o755) | 0o644;

/**
 * Unpacks some members of a zip archive.
 * @param archive the file
 * @param folder where they go
 * @param target maps a member's name to its path below `folder`, or undefined to leave it out
 */
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
