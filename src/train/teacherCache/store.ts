import { closeSync, constants, existsSync, openSync, readSync, statfsSync, writeSync } from "node:fs";
import { dirname, join } from "node:path";
import { crc32 } from "node:zlib";
import { KEPT_VIEWS, type KeptView } from "../../distill/views.js";
import type { Model } from "../../nn/model.js";

/** Free space to leave: a twentieth of the file system, at least this. */
const LEAST_RESERVE = 1e9;
/** Bytes between checks of the free space. */
const LOOK_EVERY = 16e6;
/** A record may take up a whole block. */
const BLOCK_BYTES = 4096;

/** `8.3 GB`. */
export const gigabytes = (bytes: number): string =>
  `${(bytes / 1e9).toLocaleString("en", { minimumFractionDigits: 1, maximumFractionDigits: 1 })} GB`;

/** Free bytes of a file system, and how many to leave. */
export type Space = { readonly free: number; readonly reserve: number };

/** The space for a folder, which need not exist. */
export function spaceOf(folder: string): Space {
  if (!existsSync(folder)) return spaceOf(dirname(folder));
  const { bavail, blocks, bsize } = statfsSync(folder);
  return { free: bavail * bsize, reserve: Math.max(LEAST_RESERVE, (blocks * bsize) / 20) };
}

/** Checked before each record. @returns why not to write, or undefined */
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

/** Vector size of each cached output. */
export type OutputSizes = ReadonlyMap<KeptView, number>;

/** A model's output sizes. */
export const sizesOf = (model: Model, names: readonly KeptView[]): OutputSizes =>
  new Map(names.map((name) => [name, KEPT_VIEWS[name].size(model)]));

/** [N * size] each. */
export type Outputs = ReadonlyMap<KeptView, Float32Array>;

/** Empty outputs of so many images. */
export const emptyOutputs = (sizes: OutputSizes, images: number): Outputs =>
  new Map(Array.from(sizes, ([name, size]) => [name, new Float32Array(images * size)]));

/** A row of an output, as a view. */
export const rowOf = (values: Float32Array, size: number, row: number): Float32Array =>
  values.subarray(row * size, (row + 1) * size);

const CHECK_BYTES = 4;

/** Vectors of one size, each at its offset in a sparse file. */
interface RecordFile {
  /** @returns false without a complete record; `into` is then undefined */
  read(index: number, into: Float32Array): boolean;
  /** @throws the file system's error; the record is then invalid */
  write(index: number, values: Float32Array): void;
  close(): void;
}

/** Bytes of a record of so many numbers. */
export const recordBytes = (size: number): number => CHECK_BYTES + 4 * size;

/** Never 0, so that a hole is no record; includes the index, so that a record is valid only at its offset. */
const checkOf = (values: Uint8Array, index: number): number => crc32(values, index) || 1;

/** Opens a record file; checksums invalidate partial writes, so no locks are needed. @throws the file system's error */
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
      for (let done = 0; done < bytes; ) done += writeSync(file, record, done, bytes - done, index * bytes + done);
    },
    close: () => closeSync(file),
  };
}

/** A teacher's outputs on disk; processes may share the folder. */
export interface Store {
  /** Reads an entry into a row. @returns false unless all outputs are there */
  read(entry: number, into: Outputs, row: number): boolean;
  /** Saves a row as an entry, unless the store is full. */
  write(entry: number, from: Outputs, row: number): void;
  isGrowing(): boolean;
  close(): void;
}

/** Opens a folder's outputs; on a full disk cached ones are still used. @throws the file system's error */
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
    for (const { name, size, file } of files) file.write(entry, rowOf(from.get(name) as Float32Array, size, row));
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
