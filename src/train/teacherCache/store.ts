import { closeSync, constants, existsSync, openSync, readSync, statfsSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { KEPT_VIEWS, type KeptView } from "../../distill/views.js";
import type { Model } from "../../nn/model.js";

/** Free space to leave: a twentieth of the file system, but at least this much. */
const LEAST_RESERVE = 1e9;
/** Bytes written between checks of the free space. */
const LOOK_EVERY = 16e6;
/** A record may take up a whole block of the disk. */
const BLOCK_BYTES = 4096;

/** A size for people: `8.3 GB`. */
export const gigabytes = (bytes: number): string =>
  `${(bytes / 1e9).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} GB`;

/** Room on a folder's file system, and how much of it is to stay free, in bytes. */
export interface Space {
  readonly free: number;
  readonly reserve: number;
}

/** The space that there is now on the file system of a folder, which need not be there yet. */
export function spaceOf(folder: string): Space {
  if (!existsSync(folder)) return spaceOf(dirname(folder));
  const { bavail, blocks, bsize } = statfsSync(folder);
  return { free: bavail * bsize, reserve: Math.max(LEAST_RESERVE, (blocks * bsize) / 20) };
}

/**
 * Says before each record whether it may be written.
 * @param space looked up now and again
 * @returns why not, or undefined
 */
function spaceGuard(space: () => Space): () => string | undefined {
  let unseen = LOOK_EVERY;
  return () => {
    unseen += BLOCK_BYTES;
    if (unseen < LOOK_EVERY) return undefined;
    unseen = 0;
    const { free, reserve } = space();
    if (free > reserve + LOOK_EVERY) return undefined;
    return `${gigabytes(free)} of the disk are free, and ${gigabytes(reserve)} are to stay so`;
  };
}

/** Which outputs are kept, and the size of each one's vector. */
export type OutputSizes = ReadonlyMap<KeptView, number>;

/** The sizes of some outputs of a model. */
export const sizesOf = (model: Model, names: readonly KeptView[]): OutputSizes =>
  new Map(names.map((name) => [name, KEPT_VIEWS[name].size(model)]));

/** Those outputs of N images: [N * size] each. */
export type Outputs = ReadonlyMap<KeptView, Float32Array>;

/** Room for the outputs of so many images. */
export const emptyOutputs = (sizes: OutputSizes, images: number): Outputs =>
  new Map(Array.from(sizes, ([name, size]) => [name, new Float32Array(images * size)]));

/** One image's part of an output, as a view. */
export const rowOf = (values: Float32Array, size: number, row: number): Float32Array =>
  values.subarray(row * size, (row + 1) * size);

const CHECK_BYTES = 4;

/** Vectors of one size in a sparse file, each at its own offset. */
interface RecordFile {
  /** @returns false where there is no whole record; `into` then holds nothing of use */
  read(index: number, into: Float32Array): boolean;
  /** @throws the file system's error when the record could not be written; it is then invalid */
  write(index: number, values: Float32Array): void;
  close(): void;
}

/** Bytes that a record of so many numbers takes. */
export const recordBytes = (size: number): number => CHECK_BYTES + 4 * size;

/**
 * Never 0, so that a hole is no record; it includes the index, so that a record is valid only at its offset.
 */
const checkOf = (values: Uint8Array, index: number): number => crc32(values, index) || 1;

/**
 * Opens or creates such a file. Each record has a checksum, so partial writes of killed or concurrent processes are invalid,
 * and no locks are needed.
 * @param size numbers of a record
 * @throws the file system's error when it cannot be opened
 */
export function openRecordFile(path: string, size: number): RecordFile {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT);
  const bytes = recordBytes(size);
  const record = Buffer.alloc(bytes);
  const values = record.subarray(CHECK_BYTES);
  const bytesOf = (array: Float32Array) => new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
  return {
    read(index, into) {
      if (readSync(file, record, 0, bytes, index * bytes) < bytes) return false;
      if (record.readUInt32LE(0) !== checkOf(values, index)) return false;
      bytesOf(into).set(values);
      return true;
    },
    write(index, from) {
      values.set(bytesOf(from));
      record.writeUInt32LE(checkOf(values, index), 0);
      for (let done = 0; done < bytes; ) {
        done += writeSync(file, record, done, bytes - done, index * bytes + done);
      }
    },
    close: () => closeSync(file),
  };
}

/** A teacher's outputs on disk. Any number of processes may use the same folder at once. */
export interface Store {
  /** Reads an entry into a row of all outputs. @returns false unless every output is there */
  read(entry: number, into: Outputs, row: number): boolean;
  /** Saves a row as an entry; does nothing once the store is full. */
  write(entry: number, from: Outputs, row: number): void;
  /** Whether entries are still being added. */
  isGrowing(): boolean;
  close(): void;
}

/**
 * Opens the outputs in a folder. When the disk runs short nothing more is added; cached outputs are still used.
 * @param folder must exist
 * @param onFull receives the reason once, when nothing more is added
 * @throws the file system's error when a file cannot be opened
 */
export function openStore(
  folder: string,
  sizes: OutputSizes,
  onFull: (reason: string) => void,
  space: () => Space = () => spaceOf(folder),
): Store {
  const files = Array.from(sizes, ([name, size]) => {
    return { name, size, file: openRecordFile(join(folder, `${KEPT_VIEWS[name].file}.bin`), size) };
  });
  const shortage = spaceGuard(space);
  let growing = true;
  const stop = (reason: string) => {
    growing = false;
    onFull(reason);
  };
  const writeAll = (entry: number, from: Outputs, row: number) => {
    for (const { name, size, file } of files) {
      file.write(entry, rowOf(from.get(name) as Float32Array, size, row));
    }
  };
  return {
    read: (entry, into, row) =>
      files.every(({ name, size, file }) => file.read(entry, rowOf(into.get(name) as Float32Array, size, row))),
    write(entry, from, row) {
      if (!growing) return;
      const reason = shortage();
      if (reason !== undefined) return stop(reason);
      try {
        writeAll(entry, from, row);
      } catch (error) {
        stop((error as Error).message);
      }
    },
    isGrowing: () => growing,
    close() {
      for (const { file } of files) file.close();
    },
  };
}
