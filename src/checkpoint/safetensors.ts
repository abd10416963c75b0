import { inputError } from "../common/errors.js";
import { ELEMENT_BYTES, type ElementType, type StateDict, type StateTensor } from "../common/stateDict.js";
import { damage } from "./damage.js";
import { checkNames, elementCount, quote } from "./stateNames.js";

const METADATA_NAME = "__metadata__";

/** A header's tensor as written there; only the form is checked yet. */
interface HeaderTensor {
  readonly name: string;
  readonly dtype: string;
  readonly shape: readonly number[];
  /** First byte and the byte after the last, counted from the end of the header. */
  readonly begin: number;
  readonly end: number;
}

type Header = { readonly tensors: readonly HeaderTensor[]; readonly metadata: ReadonlyMap<string, string> };

/** Strict: JSON.parse would drop duplicate names, reorder numeric ones and build whatever a hostile header asks for. */
function parseHeader(text: string): Header {
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

type Cursor = { readonly text: string; position: number };

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
    if (Object.hasOwn(fields, key)) throw damage(`${key} of ${quote(name)} occurs twice in its header`);
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

/** In bytes, of the little-endian header length in front of every file. */
const LENGTH_BYTES = 8;

/** Headers take about 100 bytes per tensor; larger claims are refused before anything is allocated. */
const MAX_HEADER_BYTES = 2 * 2 ** 20;

export type SafetensorsContent = { readonly state: StateDict; readonly metadata: ReadonlyMap<string, string> };

/**
 * Parses a safetensors file; tensors keep the header's order and share the memory of `bytes`. All rules of the
 * reference reader hold (https://huggingface.co/docs/safetensors/index): no duplicate names, holes or overlaps, sizes
 * that agree with shape and dtype, all bytes used.
 * @throws an error that says what is wrong
 */
export function parseSafetensors(bytes: Uint8Array): SafetensorsContent {
  const headerBytes = headerLength(bytes);
  const header = readHeader(bytes.subarray(LENGTH_BYTES, LENGTH_BYTES + headerBytes));
  const data = bytes.subarray(LENGTH_BYTES + headerBytes);
  checkNames(header.tensors.map(({ name }) => name));
  checkLayout(header.tensors, data.length);
  const state = new Map(header.tensors.map((tensor) => [tensor.name, toStateTensor(tensor, data)]));
  return { state, metadata: header.metadata };
}

function headerLength(bytes: Uint8Array): number {
  if (bytes.length < LENGTH_BYTES) throw damage("a safetensors file begins with 8 bytes of length");
  const length = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES)
    throw damage(`its header claims ${length} bytes, more than the ${MAX_HEADER_BYTES} allowed`);
  if (length > bytes.length - LENGTH_BYTES)
    throw damage(`its header should have ${length} bytes, but the file ends before`);
  return Number(length);
}

function readHeader(bytes: Uint8Array): Header {
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw damage("its header is not UTF-8 text");
  }
  return parseHeader(text);
}

/** Tensors sorted by offset must follow each other without a gap and end where the file ends. */
function checkLayout(tensors: readonly HeaderTensor[], dataBytes: number): void {
  let expected = 0;
  for (const tensor of [...tensors].sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    checkSize(tensor);
    if (tensor.end > dataBytes) throw damage(outOfRange(tensor, dataBytes));
    if (tensor.begin !== expected) throw damage(misplaced(tensor, expected));
    expected = tensor.end;
  }
  if (expected !== dataBytes) throw damage(`its tensors take ${expected} bytes, but ${dataBytes} follow the header`);
}

function checkSize({ name, dtype, shape, begin, end }: HeaderTensor): void {
  if (!Object.hasOwn(ELEMENT_BYTES, dtype))
    throw damage(
      `${quote(name)} has the element type ${quote(dtype)}; known are ${Object.keys(ELEMENT_BYTES).join(", ")}`,
    );
  const wanted = elementCount(name, shape) * ELEMENT_BYTES[dtype as ElementType];
  if (end - begin !== wanted)
    throw damage(
      `${quote(name)} of shape [${shape}] and type ${dtype} takes ${wanted} bytes, but its offsets ${begin} to ${end} span ${end - begin}`,
    );
}

const outOfRange = ({ name, end }: HeaderTensor, dataBytes: number): string =>
  `${quote(name)} ends at byte ${end} of the data, but only ${dataBytes} bytes follow the header`;

const misplaced = ({ name, begin }: HeaderTensor, expected: number): string =>
  begin < expected
    ? `${quote(name)} begins at byte ${begin} of the data and overlaps the tensor before it, which ends at ${expected}`
    : `bytes ${expected} to ${begin} of its data, before ${quote(name)}, belong to no tensor`;

function toStateTensor({ dtype, shape, begin, end }: HeaderTensor, data: Uint8Array): StateTensor {
  return { dtype: dtype as ElementType, shape, data: data.subarray(begin, end) };
}

/**
 * A safetensors file's bytes, equal for equal input: the header in the order of `state`, data by falling element size,
 * as the format's own writer does, so that every tensor is aligned.
 * @throws inputError for metadata that would make a header which no reader takes
 */
export function serializeSafetensors(state: StateDict, metadata: ReadonlyMap<string, string> = new Map()): Uint8Array {
  if (state.has(METADATA_NAME)) throw damage(`no tensor can be named ${METADATA_NAME}`);
  const begins = dataOffsets(state);
  const header = encodeHeader(state, metadata, begins);
  checkHeader(header.length);
  const dataBytes = [...state.values()].reduce((sum, tensor) => sum + tensor.data.length, 0);
  const file = new Uint8Array(LENGTH_BYTES + header.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(header.length), true);
  file.set(header, LENGTH_BYTES);
  for (const [name, tensor] of state)
    file.set(tensor.data, LENGTH_BYTES + header.length + (begins.get(name) as number));
  return file;
}

function checkHeader(bytes: number): void {
  if (bytes <= MAX_HEADER_BYTES) return;
  throw inputError(
    `The names and metadata would take ${bytes} bytes of a safetensors header, more than the ${MAX_HEADER_BYTES} that are read back.`,
    "Save only the state_dict from Python: torch.save(model.state_dict(), PATH), and convert that.",
  );
}

function dataOffsets(state: StateDict): ReadonlyMap<string, number> {
  const bySize = [...state].sort(([, a], [, b]) => ELEMENT_BYTES[b.dtype] - ELEMENT_BYTES[a.dtype]);
  const begins = new Map<string, number>();
  let next = 0;
  for (const [name, tensor] of bySize) {
    begins.set(name, next);
    next += tensor.data.length;
  }
  return begins;
}

/** Written by hand because object keys that look like numbers would change places in JSON.stringify. */
function encodeHeader(
  state: StateDict,
  metadata: ReadonlyMap<string, string>,
  begins: ReadonlyMap<string, number>,
): Uint8Array {
  const fields = [...metadata].map(([key, value]) => `${json(key)}:${json(value)}`);
  const rows = fields.length > 0 ? [`"${METADATA_NAME}":{${fields.join(",")}}`] : [];
  for (const [name, { dtype, shape, data }] of state) {
    const begin = begins.get(name) as number;
    const range = `${begin},${begin + data.length}`;
    rows.push(`${json(name)}:{"dtype":"${dtype}","shape":[${shape}],"data_offsets":[${range}]}`);
  }
  const text = new TextEncoder().encode(`{${rows.join(",")}}`);
  const padded = new Uint8Array(Math.ceil(text.length / LENGTH_BYTES) * LENGTH_BYTES).fill(0x20);
  padded.set(text);
  return padded;
}

const json = (text: string): string => JSON.stringify(text);
