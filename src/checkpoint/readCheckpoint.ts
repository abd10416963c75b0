import { crc32, inflateRawSync } from "node:zlib";
import { type Entry, fromBufferPromise } from "yauzl";
import { inputError, PefdError } from "../common/errors.js";
import { readInputFile } from "../common/files/inputFile.js";
import { ELEMENT_BYTES } from "../common/stateDict.js";
import { type Allowance, allowanceFor, damage, namingFile, spend } from "./damage.js";
import { type CheckpointContent, type CheckpointFormat, decodeMetadata } from "./metadata.js";
import { declaredStorages, type Unpickled, unpickle } from "./pickle/unpickle.js";
import type { PickleStorage, PickleValue } from "./pickle/values.js";
import { contentOfPickle } from "./pth.js";
import { parseSafetensors } from "./safetensors.js";
import { checkpointFileOf, isSavedModel } from "./savedModelFolder.js";
import { unsealed } from "./seal.js";
import { currentNames, quote, stripModulePrefix } from "./stateNames.js";

/** torch.serialization.MAGIC_NUMBER */
const MAGIC_NUMBER = 0x1950a86a20f9469cfc6cn;
const PROTOCOL_VERSION = 1001;

/** The longest pickle of the magic number (protocol 4) has 24 bytes. */
const MAGIC_PICKLE_BYTES = 64;

/** Whether torch.save wrote the bytes before PyTorch 1.6, in any protocol. */
function isPthLegacy(bytes: Uint8Array): boolean {
  try {
    return unpickle(bytes.subarray(0, MAGIC_PICKLE_BYTES)).value === MAGIC_NUMBER;
  } catch {
    return false;
  }
}

/** torch.save's format before PyTorch 1.6: five pickles, then storages, each behind its count. @throws an error */
export function parsePthLegacy(bytes: Uint8Array): CheckpointContent {
  const magic = unpickle(bytes);
  const version = unpickle(bytes, magic.end);
  const system = unpickle(bytes, version.end);
  checkPreamble(magic.value, version.value, system.value);
  const main = unpickle(bytes, system.end);
  const keys = unpickle(bytes, main.end);
  const storages = readStorages(bytes, keys, declaredStorages(main));
  const storageBytes = ({ key }: PickleStorage): Uint8Array => {
    const data = storages.get(key);
    if (!data) throw damage(`its storage ${quote(key)} is missing`);
    return data;
  };
  return contentOfPickle(main.value, storageBytes, allowanceFor(bytes.length));
}

function checkPreamble(magic: PickleValue, version: PickleValue, system: PickleValue): void {
  if (magic !== MAGIC_NUMBER) throw damage("its first bytes are not the magic number of torch.save");
  if (version !== PROTOCOL_VERSION) throw damage("it has an unknown version of torch.save's old format");
  if (!(system instanceof Map)) throw damage("it does not say on which system it was written");
  if (system.get("little_endian") !== true)
    throw damage("its numbers are stored big-endian; only little-endian files can be read");
}

function readStorages(
  bytes: Uint8Array,
  keys: Unpickled,
  declared: ReadonlyMap<string, PickleStorage>,
): ReadonlyMap<string, Uint8Array> {
  if (!Array.isArray(keys.value)) throw damage("its list of storages is missing");
  const storages = new Map<string, Uint8Array>();
  let position = keys.end;
  for (const key of keys.value) {
    const storage = typeof key === "string" ? declared.get(key) : undefined;
    if (!storage || storages.has(storage.key))
      throw damage("its list of storages names one twice or one that nothing uses");
    const data = readStorage(bytes, position, storage);
    storages.set(storage.key, data);
    position += COUNT_BYTES + data.length;
  }
  return storages;
}

const COUNT_BYTES = 8;

function readStorage(bytes: Uint8Array, position: number, storage: PickleStorage): Uint8Array {
  const { key, dtype, count } = storage;
  const left = bytes.length - position - COUNT_BYTES;
  const wanted = count * ELEMENT_BYTES[dtype];
  if (!(wanted <= left))
    throw damage(`its storage ${quote(key)} needs ${wanted} bytes, but ${Math.max(left, 0)} are left`);
  const stored = new DataView(bytes.buffer, bytes.byteOffset + position).getBigInt64(0, true);
  if (stored !== BigInt(count)) throw damage(`its storage ${quote(key)} has ${stored} elements instead of ${count}`);
  const start = position + COUNT_BYTES;
  return bytes.subarray(start, start + wanted);
}

/** torch.save makes one entry per storage; a directory of millions would only fill the memory. */
const MAX_ENTRIES = 20_000;

type Archive = { readonly bytes: Uint8Array; readonly entries: ReadonlyMap<string, Entry> };

/** A zip file's directory (zip64 included). @throws for damage, unsafe or repeated names, encryption, shared bytes */
async function openArchive(bytes: Uint8Array): Promise<Archive> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<string, Entry>();
  try {
    const zip = await fromBufferPromise(buffer, { strictFileNames: true });
    if (zip.entryCount > MAX_ENTRIES) throw damage(`its zip directory claims ${zip.entryCount} entries`);
    for await (const entry of zip.eachEntry()) addEntry(entries, entry);
  } catch (error) {
    throw zipError(error);
  }
  const archive = { bytes, entries };
  refuseOverlaps(archive);
  return archive;
}

/** Entries that share bytes would make a small file endless work: each of them is unpacked and checked in full. */
function refuseOverlaps({ bytes, entries }: Archive): void {
  const places = Array.from(entries.values(), (entry) => ({
    entry,
    begin: entry.relativeOffsetOfLocalHeader,
    end: dataStart(bytes, entry) + entry.compressedSize,
  })).sort((a, b) => a.begin - b.begin);
  for (const [index, { begin, entry }] of places.entries()) {
    const before = places[index - 1];
    if (before !== undefined && begin < before.end)
      throw damage(`its zip entries ${quote(before.entry.fileName)} and ${quote(entry.fileName)} overlap`);
  }
}

function addEntry(entries: Map<string, Entry>, entry: Entry): void {
  const name = entry.fileName;
  if (entries.has(name)) throw damage(`its zip directory has ${quote(name)} twice`);
  if (entry.isEncrypted()) throw damage(`the zip entry ${quote(name)} is encrypted`);
  entries.set(name, entry);
}

/** yauzl's errors have no type of their own: anything that is not ours comes from it and is about the file. */
function zipError(error: unknown): Error {
  if (error instanceof PefdError) return error;
  const reason = error instanceof Error ? error.message : String(error);
  const isCut = /End of central directory/i.test(reason);
  const why = isCut ? "the end of the zip archive is missing, so the file seems cut off" : "";
  return damage(why || `its zip directory is damaged (${reason.slice(0, 200)})`);
}

/** One entry's bytes, a view where it is stored as is. @throws for other compression, bad ranges or a wrong checksum */
function entryBytes(archive: Archive, entry: Entry, allowance: Allowance): Uint8Array {
  const start = dataStart(archive.bytes, entry);
  const packed = archive.bytes.subarray(start, start + entry.compressedSize);
  if (packed.length !== entry.compressedSize)
    throw damage(`the zip entry ${quote(entry.fileName)} reaches beyond the file`);
  const data = unpack(entry, packed, allowance);
  // torch.save leaves 0 where its checksums are turned off.
  if (entry.crc32 !== 0 && crc32(data) !== entry.crc32)
    throw damage(`the zip entry ${quote(entry.fileName)} has changed since it was written (CRC-32)`);
  return data;
}

const LOCAL_HEADER_BYTES = 30;
const LOCAL_HEADER_SIGNATURE = 0x04034b50;

/** The local header repeats the name and has padding of its own, so only it knows where the data begins. */
function dataStart(bytes: Uint8Array, entry: Entry): number {
  const header = entry.relativeOffsetOfLocalHeader;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isInside = header + LOCAL_HEADER_BYTES <= bytes.length;
  if (!isInside || view.getUint32(header, true) !== LOCAL_HEADER_SIGNATURE)
    throw damage(`the zip entry ${quote(entry.fileName)} is not where the directory says`);
  const variable = view.getUint16(header + 26, true) + view.getUint16(header + 28, true);
  return header + LOCAL_HEADER_BYTES + variable;
}

const STORED = 0;
const DEFLATED = 8;

function unpack(entry: Entry, packed: Uint8Array, allowance: Allowance): Uint8Array {
  const { compressionMethod: method, uncompressedSize: size, fileName } = entry;
  if (method === STORED) return packed;
  const name = `the zip entry ${quote(fileName)}`;
  if (method !== DEFLATED) throw damage(`${name} has the unknown compression method ${method}`);
  spend(allowance, size, name);
  const data = inflate(packed, size);
  if (data?.length !== size) throw damage(`${name} does not unpack to the ${size} bytes it claims`);
  return data;
}

function inflate(packed: Uint8Array, size: number): Uint8Array | undefined {
  try {
    const { buffer, byteOffset, length } = inflateRawSync(packed, { maxOutputLength: size || 1 });
    return new Uint8Array(buffer, byteOffset, length);
  } catch {
    return undefined;
  }
}

/** Reads torch.save's zip: `NAME/data.pkl`, one `NAME/data/KEY` a storage. @throws an error that says what is wrong */
export async function parsePthZip(bytes: Uint8Array): Promise<CheckpointContent> {
  const archive = await openArchive(bytes);
  const allowance = allowanceFor(bytes.length);
  const folder = topFolder(archive);
  const read = (name: string): Uint8Array | undefined => {
    const entry = archive.entries.get(folder + name);
    return entry && entryBytes(archive, entry, allowance);
  };
  checkByteOrder(read("byteorder"));
  const pickled = unpickle(read("data.pkl") ?? new Uint8Array(0));
  declaredStorages(pickled);
  const storages = new Map<string, Uint8Array>();
  const storageBytes = (storage: PickleStorage): Uint8Array => {
    const data = storages.get(storage.key) ?? read(`data/${storage.key}`);
    if (!data) throw damage(`its zip has no entry ${quote(`${folder}data/${storage.key}`)}`);
    storages.set(storage.key, data);
    return checkedLength(storage, data);
  };
  return contentOfPickle(pickled.value, storageBytes, allowance);
}

const PICKLE = /^(?:[^/]+\/)?data\.pkl$/;

function topFolder({ entries }: Archive): string {
  const pickles = [...entries.keys()].filter((name) => PICKLE.test(name));
  const [name, another] = pickles;
  if (name === undefined) throw damage("it is a zip file without data.pkl, not one of torch.save");
  if (another !== undefined) throw damage(`it holds ${quote(name)} and ${quote(another)}`);
  return name.slice(0, -"data.pkl".length);
}

/** Absent before PyTorch 2.1; all files were little-endian in practice. */
function checkByteOrder(bytes: Uint8Array | undefined): void {
  const order = bytes && Buffer.from(bytes.subarray(0, 20)).toString("latin1");
  if (order !== undefined && order !== "little")
    throw damage(`its numbers are stored in the byte order ${quote(order)}; only "little" can be read`);
}

function checkedLength({ key, dtype, count }: PickleStorage, data: Uint8Array): Uint8Array {
  const wanted = count * ELEMENT_BYTES[dtype];
  if (data.length !== wanted)
    throw damage(`its storage ${quote(key)} has ${data.length} bytes instead of ${wanted} (${count} of ${dtype})`);
  return data;
}

export type Checkpoint = CheckpointContent & { readonly path: string; readonly format: CheckpointFormat };

/** Bounds the memory that a checkpoint may ask for. */
const MAX_FILE_BYTES = 2 ** 31 - 1;

/**
 * Reads a checkpoint of any supported format, our SavedModels too; the content decides which, not the name. "module."
 * prefixes of torch.nn.DataParallel are removed, and names of early torchvision brought up to date.
 * @throws inputError that names the file, its size, what is wrong and what was expected
 */
export async function readCheckpoint(path: string): Promise<Checkpoint> {
  const file = checkpointFileOf(path);
  const bytes = readWholeFile(file);
  return namingFile(file, bytes.length, async () => {
    const { format, state, metadata, isSealed = false } = await parseCheckpoint(bytes);
    return {
      path,
      format: isSavedModel(path) ? "savedmodel" : format,
      state: currentNames(stripModulePrefix(state)),
      metadata,
      isSealed,
    };
  });
}

/** Parses a checkpoint of any supported format. @throws an error that says what is wrong, without naming the file */
export async function parseCheckpoint(
  bytes: Uint8Array,
): Promise<CheckpointContent & { readonly format: CheckpointFormat }> {
  const row = FORMATS.find(({ recognises }) => recognises(bytes));
  if (!row) throw damage(unknownContent(bytes), EXPECTED);
  return { format: row.format, ...(await row.parse(bytes)) };
}

interface FormatRow {
  readonly format: CheckpointFormat;
  readonly recognises: (bytes: Uint8Array) => boolean;
  readonly parse: (bytes: Uint8Array) => CheckpointContent | Promise<CheckpointContent>;
}

const FORMATS: readonly FormatRow[] = [
  {
    format: "pth-zip",
    recognises: (bytes) => bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4,
    parse: parsePthZip,
  },
  { format: "pth-legacy", recognises: isPthLegacy, parse: parsePthLegacy },
  {
    format: "safetensors",
    recognises: (bytes) => bytes[8] === 0x7b && bytes[7] === 0 && bytes[6] === 0,
    parse: (bytes) => {
      const { state, metadata: found } = parseSafetensors(bytes);
      const { metadata, isSealed } = unsealed(state, found);
      return { state, metadata: decodeMetadata(metadata), isSealed };
    },
  },
];

const EXPECTED =
  "A checkpoint is a file written by torch.save (.pth, .pt), a .safetensors file, or a SavedModel of pefd; name one of those.";

function unknownContent(bytes: Uint8Array): string {
  if (bytes.length === 0) return "it is empty";
  const first = bytes.subarray(0, 16);
  const isText = first.every((byte) => byte >= 0x20 || (byte >= 9 && byte <= 13));
  const shown = isText ? JSON.stringify(new TextDecoder().decode(first)) : Buffer.from(first).toString("hex");
  return `it is neither a PyTorch (.pth) nor a safetensors file; it begins with ${shown}`;
}

function readWholeFile(path: string): Uint8Array {
  try {
    return readInputFile(path, { maxBytes: MAX_FILE_BYTES, hint: EXPECTED });
  } catch (error) {
    throw readError(path, error as NodeJS.ErrnoException);
  }
}

function readError(path: string, error: NodeJS.ErrnoException): Error {
  if (error.code === undefined) return error;
  if (error.code === "ENOENT" || error.code === "ENOTDIR") return inputError(`There is no file ${path}.`, EXPECTED);
  if (error.code === "EACCES") return inputError(`${path} cannot be read: permission denied.`);
  return inputError(`${path} cannot be read: ${error.message}.`);
}
