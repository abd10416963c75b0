import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { Header, Pax } from "tar";
import { inputError, type PefdError } from "../../common/errors.js";

/** Archives consist of blocks of so many bytes; a header is one. */
const BLOCK = 512;

/** Reads a header of BLOCK bytes. @returns a null block for zeros, which end an archive; undefined for what is no header */
export function readTarHeader(block: Buffer): Header | undefined {
  try {
    const header = new Header(block);
    return header.nullBlock || (header.cksumValid && header.size !== undefined) ? header : undefined;
  } catch {
    return undefined; // a number that is too large
  }
}

export interface TarMember {
  readonly name: string;
  /** From the archive's start, in bytes. */
  readonly offset: number;
  readonly length: number;
}

/** Bytes of a member, as far as there are so many. Valid until the next member is asked for. */
export type ReadMember = (member: TarMember) => Buffer;

/** The error of an archive that cannot be read. @param problem a clause: "it is truncated" */
export const damagedTar = (path: string, problem: string): PefdError =>
  inputError(
    `The archive ${path} cannot be read: ${problem}.`,
    "Download it again, or pack the images again (`pefd data pack`).",
  );

/** Read at once: headers of small files that follow each other lie within it. */
const WINDOW = 4096;

/** Limit of a member's metadata: names, times. */
const MOST_SAID = 2 ** 20;

/** Archives are filled up with zeros to a multiple of something; more than that is another archive behind the first. */
const MOST_FILLING = 2 ** 20;

/** Reads pieces of a file that lie close to each other with few calls. */
function openWindow(file: number): (position: number, length: number) => Buffer {
  const room = Buffer.allocUnsafe(WINDOW);
  let [start, bytes] = [0, room.subarray(0, 0)];
  return (position, length) => {
    const isThere = position >= start && position + length <= start + bytes.length;
    if (!isThere) {
      const target = length > WINDOW ? Buffer.allocUnsafe(length) : room;
      bytes = target.subarray(0, readSync(file, target, 0, target.length, position));
      start = position;
    }
    return bytes.subarray(position - start, position - start + length);
  };
}

// Types: files; metadata of the next file (POSIX, GNU); passed over: folders, metadata of all files, link targets.
const FILES: ReadonlySet<string> = new Set(["0", "7"]);
const EXTENDED = "x";
const LONG_NAME = "L";
const FOLDER = "5";
const PASSED_OVER: ReadonlySet<string> = new Set([FOLDER, "g", "K"]);

const textOf = (bytes: Buffer): string => bytes.toString("utf8").replace(/\0.*/s, "");

/** Visits a tar archive's files in order, by headers only. @throws inputError for no archive, damage or links */
export function visitTar(path: string, visit: (member: TarMember, read: ReadMember) => void): void {
  const file = openFile(path);
  try {
    const { size } = fstatSync(file);
    const window = openWindow(file);
    const read: ReadMember = ({ offset, length }) => window(offset, length);
    let said: { path?: string; size?: number } = {};
    for (let at = 0; ; ) {
      const block = window(at, BLOCK);
      if (block.length < BLOCK) throw damagedTar(path, cutText(at));
      const header = readTarHeader(block);
      if (header === undefined) {
        throw damagedTar(path, at === 0 ? "it is not a tar archive" : `no file header at byte ${at}`);
      }
      if (header.nullBlock) {
        refuseMore(path, size - at);
        return;
      }
      const { typeKey: type } = header;
      const isFile = FILES.has(type);
      const { path: name = header.path ?? "", size: length = header.size ?? 0 } = isFile ? said : {};
      const member = { name, offset: at + BLOCK, length };
      // Untrusted input.
      if (!(member.length >= 0 && member.offset + member.length <= size)) {
        throw damagedTar(path, `${cutText(at)} (${member.name})`);
      }
      at = member.offset + Math.ceil(member.length / BLOCK) * BLOCK;
      if (type === EXTENDED) said = Pax.parse(saidIn(path, member, read), said);
      else if (type === LONG_NAME) said = { ...said, path: saidIn(path, member, read) };
      else if (isFile) visit(member, read);
      else if (!PASSED_OVER.has(type)) throw damagedTar(path, `${member.name} in it is not a file`);
      if (isFile || type === FOLDER) said = {};
    }
  } finally {
    closeSync(file);
  }
}

const cutText = (at: number): string => `it is truncated after byte ${at}`;

/** Opens a regular file, or a link to one: opening a pipe may wait for ever. */
function openFile(path: string): number {
  try {
    if (statSync(path).isFile()) return openSync(path, "r");
  } catch (error) {
    throw inputError(`The archive ${path} cannot be read: ${(error as Error).message}.`);
  }
  throw inputError(`The archive ${path} is not a regular file.`);
}

function saidIn(path: string, member: TarMember, read: ReadMember): string {
  if (member.length > MOST_SAID) throw damagedTar(path, `a name in it has ${member.length} bytes`);
  return textOf(read(member));
}

function refuseMore(path: string, left: number): void {
  if (left <= MOST_FILLING) return;
  throw damagedTar(path, `${left} bytes follow its end, as if archives were concatenated`);
}
