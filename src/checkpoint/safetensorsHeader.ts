import { damage } from "./damage.js";
import { quote } from "./stateNames.js";

/** The one name of a header that is no tensor. */
export const METADATA_NAME = "__metadata__";

/** One tensor of a header as written there: nothing is checked yet but the form. */
export interface HeaderTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte and the byte after the last, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

export interface Header {
  readonly tensors: readonly HeaderTensor[];
  readonly metadata: ReadonlyMap<string, string>;
}

/**
 * Parses a safetensors header: JSON of exactly that one form. JSON.parse would drop duplicate names, reorder names
 * that look like numbers and build whatever a hostile header asks for; this reader stops at the first deviation.
 * @throws an error that says at which character what was expected
 */
export function parseHeader(text: string): Header {
  const cursor: Cursor = { text, position: 0 };
  const tensors: HeaderTensor[] = [];
  const names = new Set<string>();
  let metadata: ReadonlyMap<string, string> = new Map();
  readObject(cursor, (name) => {
    if (names.has(name)) throw damage(`the name ${quote(name)} occurs twice in its header`);
    names.add(name);
    if (name === METADATA_NAME) metadata = readMetadata(cursor);
    else tensors.push(readTensor(cursor, name));
  });
  skipSpace(cursor);
  if (cursor.position < text.length) throw unexpected(cursor, "the end of the header");
  return { tensors, metadata };
}

interface Cursor {
  readonly text: string;
  position: number;
}

function unexpected(cursor: Cursor, wanted: string): Error {
  return damage(`its header is not valid: ${wanted} expected at character ${cursor.position}`);
}

function skipSpace(cursor: Cursor): void {
  while (/[ \t\n\r]/.test(cursor.text.charAt(cursor.position))) cursor.position++;
}

function take(cursor: Cursor, symbol: string): boolean {
  skipSpace(cursor);
  if (cursor.text.charAt(cursor.position) !== symbol) return false;
  cursor.position++;
  return true;
}

function expect(cursor: Cursor, symbol: string): void {
  if (!take(cursor, symbol)) throw unexpected(cursor, `"${symbol}"`);
}

function readObject(cursor: Cursor, readValue: (key: string) => void): void {
  expect(cursor, "{");
  if (take(cursor, "}")) return;
  do {
    const key = readString(cursor);
    expect(cursor, ":");
    readValue(key);
  } while (take(cursor, ","));
  expect(cursor, "}");
}

function readString(cursor: Cursor): string {
  expect(cursor, '"');
  const start = cursor.position - 1;
  for (; ; cursor.position++) {
    const char = cursor.text.charAt(cursor.position);
    if (char === "" || char === '"') break;
    if (char === "\\") cursor.position++;
  }
  expect(cursor, '"');
  try {
    return JSON.parse(cursor.text.slice(start, cursor.position)) as string;
  } catch {
    cursor.position = start;
    throw unexpected(cursor, "a JSON string");
  }
}

/** More sizes than any framework's tensors have. */
const MAX_RANK = 64;

const MAX_METADATA_ENTRIES = 10_000;

const NATURAL_NUMBER = /0|[1-9][0-9]{0,15}/y;

function readNatural(cursor: Cursor): number {
  skipSpace(cursor);
  NATURAL_NUMBER.lastIndex = cursor.position;
  const digits = NATURAL_NUMBER.exec(cursor.text)?.[0];
  if (digits === undefined) throw unexpected(cursor, "a whole number of 0 or more");
  cursor.position += digits.length;
  const value = Number(digits);
  if (!Number.isSafeInteger(value)) throw unexpected(cursor, "a number below 2^53");
  return value;
}

function readNaturals(cursor: Cursor): number[] {
  expect(cursor, "[");
  const values: number[] = [];
  if (take(cursor, "]")) return values;
  do {
    values.push(readNatural(cursor));
    if (values.length > MAX_RANK) throw unexpected(cursor, `a list of at most ${MAX_RANK} numbers`);
  } while (take(cursor, ","));
  expect(cursor, "]");
  return values;
}

function readMetadata(cursor: Cursor): ReadonlyMap<string, string> {
  const metadata = new Map<string, string>();
  readObject(cursor, (key) => {
    if (metadata.has(key)) throw damage(`the name ${quote(key)} occurs twice in its metadata`);
    metadata.set(key, readString(cursor));
    if (metadata.size > MAX_METADATA_ENTRIES)
      throw damage(`its metadata has more than ${MAX_METADATA_ENTRIES} entries`);
  });
  return metadata;
}

function readTensor(cursor: Cursor, name: string): HeaderTensor {
  const fields: { dtype?: string; shape?: number[]; data_offsets?: number[] } = {};
  readObject(cursor, (key) => {
    if (Object.hasOwn(fields, key))
      throw damage(`${key} of ${quote(name)} occurs twice in its header`);
    if (key === "dtype") fields.dtype = readString(cursor);
    else if (key === "shape") fields.shape = readNaturals(cursor);
    else if (key === "data_offsets") fields.data_offsets = readNaturals(cursor);
    else throw damage(`its header gives ${quote(name)} an unknown field ${quote(key)}`);
  });
  const { dtype, shape, data_offsets: offsets } = fields;
  const [begin, end, more] = offsets ?? [];
  if (!dtype || !shape || begin === undefined || end === undefined || more !== undefined)
    throw damage(`its header gives ${quote(name)} no dtype, shape and pair of data_offsets`);
  return { name, dtype, shape, begin, end };
}
