import { closeSync, existsSync, openSync, readFileSync, readSync, statSync } from "node:fs";
import { join, posix } from "node:path";
import { crc32, inflateRawSync } from "node:zlib";
import { openPromise } from "yauzl";
import { inputError, PefdError } from "../../common/errors.js";
import { howToPlace } from "../binary/dataFile.js";
import { entriesOf } from "../folder/listing.js";

interface ZipMember {
  /** Where its local header lies in the archive. */
  readonly header: number;
  /** Bytes in the archive, and as they are when unpacked. */
  readonly packed: number;
  readonly bytes: number;
  readonly isDeflated: boolean;
  readonly crc32: number;
}

type Zip = { readonly path: string; readonly members: ReadonlyMap<string, ZipMember> };

/** More than any archive of a data set here has. */
const MOST_MEMBERS = 2_000_000;

/** Of one file in an archive; a small one can hold zeros without end. */
const MOST_BYTES = 2 ** 28;

const STORED = 0;
const DEFLATED = 8;

/** A zip archive's directory. @throws inputError for a file that is none, is damaged, or holds what cannot be read */
export async function openZip(path: string): Promise<Zip> {
  const members = new Map<string, ZipMember>();
  try {
    const zip = await openPromise(path, { strictFileNames: true });
    if (zip.entryCount > MOST_MEMBERS) throw damaged(path, `it claims ${zip.entryCount} files`);
    for await (const entry of zip.eachEntry()) {
      const { fileName: name, compressionMethod: method } = entry;
      if (name.endsWith("/")) continue;
      if (entry.isEncrypted()) throw damaged(path, `${name} is encrypted`);
      if (method !== STORED && method !== DEFLATED) throw damaged(path, `${name} uses an unsupported compression`);
      if (entry.uncompressedSize > MOST_BYTES) throw damaged(path, `${name} is too large`);
      members.set(name, {
        header: entry.relativeOffsetOfLocalHeader,
        packed: entry.compressedSize,
        bytes: entry.uncompressedSize,
        isDeflated: method === DEFLATED,
        crc32: entry.crc32,
      });
    }
  } catch (error) {
    throw error instanceof PefdError ? error : damaged(path, (error as Error).message);
  }
  return { path, members };
}

const damaged = (path: string, problem: string): PefdError =>
  inputError(
    `The archive ${path} cannot be read: ${problem.replace(/\.$/, "")}.`,
    "Download it again, or compare its MD5 checksum with the published one.",
  );

const HEADER_BYTES = 30;
const HEADER_SIGNATURE = 0x04034b50;

interface ZipReader {
  /** @throws inputError for a file that is not there or is damaged */
  read(name: string): Uint8Array;
  close(): void;
}

/** Opens an archive for reading. */
export function openZipReader({ path, members }: Zip): ZipReader {
  const file = openSync(path, "r");
  const bytesAt = (position: number, length: number): Buffer => {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(file, bytes, 0, length, position));
  };
  return {
    read(name) {
      const member = members.get(name);
      if (member === undefined) throw damaged(path, `there is no ${name}`);
      const header = bytesAt(member.header, HEADER_BYTES);
      if (header.length < HEADER_BYTES || header.readUInt32LE() !== HEADER_SIGNATURE) {
        throw damaged(path, `${name} is not at its offset in the central directory`);
      }
      const start = HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
      const bytes = unpacked(bytesAt(member.header + start, member.packed), member);
      if (bytes?.length === member.bytes && crc32(bytes) === member.crc32) return bytes;
      throw damaged(path, `${name} has changed since it was written (CRC-32)`);
    },
    close: () => closeSync(file),
  };
}

function unpacked(packed: Buffer, { isDeflated, bytes }: ZipMember): Buffer | undefined {
  if (!isDeflated) return packed;
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, bytes) });
  } catch {
    return undefined;
  }
}

export const ZIP_FILE = "tiny-imagenet-200.zip";
export const FOLDER = "tiny-imagenet-200";

/** The file of the classes' names, by which the data set is known. */
export const CLASSES_FILE = "wnids.txt";

/** The files of the data set, in its archive or unpacked. */
export interface Tree {
  /** The archive or the folder. */
  readonly place: string;
  /** Paths from the data set's own folder on, with slashes. */
  readonly names: readonly string[];
  /** @throws inputError for a file that is not there or is damaged */
  read(name: string): Uint8Array;
  close(): void;
}

async function zipTree(path: string): Promise<Tree> {
  const zip = await openZip(path);
  const names = [...zip.members.keys()];
  const known = names.find((name) => posix.basename(name) === CLASSES_FILE);
  const root = known === undefined ? "" : known.slice(0, -CLASSES_FILE.length);
  const reader = openZipReader(zip);
  return {
    place: path,
    names: names.filter((name) => name.startsWith(root)).map((name) => name.slice(root.length)),
    read: (name) => reader.read(root + name),
    close: reader.close,
  };
}

function filesBelow(root: string, folder: string): string[] {
  const { folders, files } = entriesOf(join(root, folder));
  const own = files.map((name) => posix.join(folder, name));
  return [...own, ...folders.flatMap((name) => filesBelow(root, posix.join(folder, name)))];
}

function folderTree(path: string): Tree {
  return {
    place: path,
    names: ["train", "val"].filter((half) => existsSync(join(path, half))).flatMap((half) => filesBelow(path, half)),
    read(name) {
      try {
        return readFileSync(join(path, name));
      } catch (error) {
        throw inputError(`${join(path, name)} cannot be read: ${(error as Error).message}.`);
      }
    },
    close: () => undefined,
  };
}

const isFile = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isFile() === true;

/** Opens the archive, a folder with it, the unpacked folder or the one above. @throws inputError where there is none */
export async function openTree(path: string): Promise<Tree> {
  if (isFile(path)) return zipTree(path);
  for (const folder of [path, join(path, FOLDER)]) if (isFile(join(folder, CLASSES_FILE))) return folderTree(folder);
  if (isFile(join(path, ZIP_FILE))) return zipTree(join(path, ZIP_FILE));
  throw inputError(
    existsSync(path)
      ? `${path} holds neither ${ZIP_FILE} nor ${CLASSES_FILE}.`
      : `The data folder ${path} does not exist.`,
    howToPlace("tiny-imagenet"),
  );
}
