import { crc32, inflateRawSync } from "node:zlib";
import { type Entry, fromBufferPromise } from "yauzl";
import { PefdError } from "../../common/errors.js";
import { type Allowance, spend } from "../allowance.js";
import { damage } from "../damage.js";
import { quote } from "../stateNames.js";

/** torch.save makes one entry per storage; a directory of millions would only fill the memory. */
const MAX_ENTRIES = 20_000;

/** A zip file in memory, by entry name. */
export interface Archive {
  readonly bytes: Uint8Array;
  readonly entries: ReadonlyMap<string, Entry>;
}

/**
 * Reads the directory of a zip file (zip64 included).
 * @throws an error for a truncated or contradictory directory, unsafe, repeated or too many names, encryption, entries
 *   that share bytes
 */
export async function openArchive(bytes: Uint8Array): Promise<Archive> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const entries = new Map<string, Entry>();
  try {
    const zip = await fromBufferPromise(buffer, { strictFileNames: true });
    if (zip.entryCount > MAX_ENTRIES)
      throw damage(`its zip directory claims ${zip.entryCount} entries`);
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
      throw damage(
        `its zip entries ${quote(before.entry.fileName)} and ${quote(entry.fileName)} overlap`,
      );
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

/**
 * The bytes of one entry: a view of the file where it is stored as is, inflated within the allowance otherwise.
 * @throws an error for other compression, ranges beyond the file, or a wrong checksum
 */
export function entryBytes(archive: Archive, entry: Entry, allowance: Allowance): Uint8Array {
  const start = dataStart(archive.bytes, entry);
  const packed = archive.bytes.subarray(start, start + entry.compressedSize);
  if (packed.length !== entry.compressedSize)
    throw damage(`the zip entry ${quote(entry.fileName)} reaches beyond the file`);
  const data = unpack(entry, packed, allowance);
  // torch.save leaves 0 where its checksums are turned off.
  if (entry.crc32 !== 0 && crc32(data) !== entry.crc32)
    throw damage(
      `the zip entry ${quote(entry.fileName)} has changed since it was written (CRC-32)`,
    );
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
