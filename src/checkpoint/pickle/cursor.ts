import { damage } from "../damage.js";
import { exact } from "./values.js";

/** A place in the bytes of a pickle; every read checks the end first and moves on. */
export type PickleCursor = { readonly bytes: Uint8Array; readonly view: DataView; position: number };

/** Longer integers than this many bytes or digits are no checkpoint's, and would take long to convert. */
const MAX_INTEGER_LENGTH = 1000;

const MAX_LINE = 2 ** 20;

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export function pickleCursor(bytes: Uint8Array, position = 0): PickleCursor {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return { bytes, view, position };
}

/** The next `length` bytes, not copied. */
export function readBytes(cursor: PickleCursor, length: number): Uint8Array {
  const left = cursor.bytes.length - cursor.position;
  if (!(length >= 0 && length <= left))
    throw damage(`its pickle asks for ${length} bytes at byte ${cursor.position}, but ${left} are left`);
  cursor.position += length;
  return cursor.bytes.subarray(cursor.position - length, cursor.position);
}

function readNumber<T>(cursor: PickleCursor, size: number, read: (view: DataView, at: number) => T): T {
  readBytes(cursor, size);
  return read(cursor.view, cursor.position - size);
}

export const readUint8 = (cursor: PickleCursor): number => readNumber(cursor, 1, (view, at) => view.getUint8(at));
export const readUint16 = (cursor: PickleCursor): number =>
  readNumber(cursor, 2, (view, at) => view.getUint16(at, true));
export const readUint32 = (cursor: PickleCursor): number =>
  readNumber(cursor, 4, (view, at) => view.getUint32(at, true));
export const readInt32 = (cursor: PickleCursor): number => readNumber(cursor, 4, (view, at) => view.getInt32(at, true));
export const readUint64 = (cursor: PickleCursor): number =>
  readNumber(cursor, 8, (view, at) => Number(view.getBigUint64(at, true)));
/** The one big-endian number of pickles. */
export const readFloat64 = (cursor: PickleCursor): number =>
  readNumber(cursor, 8, (view, at) => view.getFloat64(at, false));

/** The next line without its line feed, one character per byte. */
export function readLine(cursor: PickleCursor): string {
  const limit = Math.min(cursor.bytes.length, cursor.position + MAX_LINE);
  const end = cursor.bytes.subarray(cursor.position, limit).indexOf(0x0a);
  if (end < 0) throw damage(`its pickle has a line without an end at byte ${cursor.position}`);
  const line = Buffer.from(readBytes(cursor, end)).toString("latin1");
  cursor.position++;
  return line;
}

/** UTF-8 text of `length` bytes. */
export function readText(cursor: PickleCursor, length: number): string {
  const bytes = readBytes(cursor, length);
  try {
    return UTF8.decode(bytes);
  } catch {
    throw damage(`its pickle has text that is not UTF-8 before byte ${cursor.position}`);
  }
}

/** Python 2's str: bytes, one character each. */
export const readByteText = (cursor: PickleCursor, length: number): string =>
  Buffer.from(readBytes(cursor, length)).toString("latin1");

/** A little-endian two's complement integer; a number where it is exact as one. */
export function readLong(cursor: PickleCursor, length: number): number | bigint {
  if (length > MAX_INTEGER_LENGTH) throw damage(`its pickle has an integer of ${length} bytes`);
  const bytes = readBytes(cursor, length);
  const hex = Buffer.from(bytes).reverse().toString("hex");
  return exact(BigInt.asIntN(length * 8, BigInt(hex === "" ? 0 : `0x${hex}`)));
}

/** A decimal integer, with the L that Python 2 appends. */
export function parseInteger(text: string): number | bigint {
  const digits = /^\s*([+-]?)([0-9]+)L?\s*$/.exec(text);
  if (!digits?.[2] || digits[2].length > MAX_INTEGER_LENGTH) throw damage("its pickle has an integer that is none");
  const magnitude = BigInt(digits[2]);
  return exact(digits[1] === "-" ? -magnitude : magnitude);
}
