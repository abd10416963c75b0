import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { Header, Pax } from "tar";
import { inputError, type PefdError } from "../../common/errors.js";

/** A file in a tar archive. */
export interface TarMember {
  readonly name: string;
  /** Where its bytes begin in the archive, and how many they are. */
  readonly offset: number;
  readonly length: number;
}

/** Bytes of a member, as far as there are so many. Valid until the next member is asked for. */
export type ReadMember = (member: TarMember) => Buffer;

/** The error of an archive that cannot be read. @param problem a clause: "it is cut short" */
export const damagedTar = (path: string, problem: string): PefdError =>
  inputError(
    `The archive ${path} cannot be read: ${problem}.`,
    "Bring it again, or pack the images again (`pefd data pack`).",
  );

const BLOCK = 512;

/** Read at once: headers of small files that follow each other lie within it. */
const WINDOW = 4096;

/** Of what archives say of a member before it: names, times. */
const MOST_SAID = 2 ** 20;

/** Archives are filled up with zeros to a multiple of something; more than that is another archive behind the first. */
const MOST_FILLING = 2 ** 20;

/** Reads pieces of a file that lie close to each other with few calls. */
function openWindow(file: number): (position: number, length: number) => Buffer {
  let [start, bytes] = [0, Buffer.alloc(0)];
  return (position, length) => {
    const isThere = position >= start && position + length <= start + bytes.length;
    if (!isThere) {
      const room = Buffer.allocUnsafe(Math.max(WINDOW, length));
      bytes = room.subarray(0, readSync(file, room, 0, room.length, position));
      start = position;
    }
    return bytes.subarray(position - start, position - start + length);
  };
}

const FILES: ReadonlySet<string> = new Set(["File", "OldFile", "ContiguousFile"]);
const LONG_NAMES: ReadonlySet<string> = new Set(["NextFileHasLongPath", "OldGnuLongPath"]);
const LEFT_OUT: ReadonlySet<string> = new Set([
  "Directory",
  "GNUDumpDir",
  "GlobalExtendedHeader",
  "NextFileHasLongLinkpath",
]);

const textOf = (bytes: Buffer): string => bytes.toString("utf8").replace(/\0.*/s, "");

/**
 * Finds the files of a tar archive by their headers, without reading what is in them.
 * @param visit is called for each, in order
 * @throws inputError for what is no archive, is damaged or cut short, or holds links
 */
export function visitTar(path: string, visit: (member: TarMember, read: ReadMember) => void): void {
  const file = openFile(path);
  try {
    const { size } = fstatSync(file);
    const window = openWindow(file);
    const read: ReadMember = ({ offset, length }) => window(offset, length);
    let said: { readonly path?: string; readonly size?: number } = {};
    for (let at = 0; ; ) {
      const block = window(at, BLOCK);
      if (block.length < BLOCK) throw damagedTar(path, cutText(at));
      const header = new Header(block);
      if (header.nullBlock) {
        refuseMore(path, size - at);
        return;
      }
      const { type } = header;
      const isFile = FILES.has(type);
      const length = (isFile ? said.size : undefined) ?? header.size ?? -1;
      if (!header.cksumValid || !Number.isSafeInteger(length) || length < 0) {
        throw damagedTar(path, at === 0 ? "it is no tar archive" : `byte ${at} begins no file`);
      }
      const member = {
        name: (isFile ? said.path : undefined) ?? header.path ?? "",
        offset: at + BLOCK,
        length,
      };
      if (member.offset + length > size) throw damagedTar(path, `${cutText(at)} (${member.name})`);
      at = member.offset + Math.ceil(length / BLOCK) * BLOCK;
      if (type === "ExtendedHeader") said = Pax.parse(saidIn(path, member, read), said);
      else if (LONG_NAMES.has(type)) said = { ...said, path: saidIn(path, member, read) };
      else if (isFile) visit(member, read);
      else if (!LEFT_OUT.has(type)) throw damagedTar(path, `${member.name} in it is no file`);
      if (isFile || type === "Directory") said = {};
    }
  } finally {
    closeSync(file);
  }
}

const cutText = (at: number): string => `it is cut short behind byte ${at}`;

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (error) {
    throw inputError(`The archive ${path} cannot be read: ${(error as Error).message}.`);
  }
}

function saidIn(path: string, member: TarMember, read: ReadMember): string {
  if (member.length > MOST_SAID) throw damagedTar(path, `a name in it has ${member.length} bytes`);
  return textOf(read(member));
}

function refuseMore(path: string, left: number): void {
  if (left <= MOST_FILLING) return;
  throw damagedTar(path, `${left} bytes follow its end, as where archives were joined`);
}
