import { closeSync, constants, openSync, readSync, writeSync } from "node:fs";
import { crc32 } from "node:zlib";

const CHECK_BYTES = 4;

/** Vectors of one size in a file, each at its own place. What was never written takes no space (a sparse file). */
export interface RecordFile {
  /** @returns false where there is no whole record; `into` then holds nothing of use */
  read(index: number, into: Float32Array): boolean;
  /** @throws the file system's error when the record could not be written; what is there then does not count */
  write(index: number, values: Float32Array): void;
  close(): void;
}

/** Bytes that a record of so many numbers takes. */
export const recordBytes = (size: number): number => CHECK_BYTES + 4 * size;

/**
 * Never 0, so that the zeros of a hole are no record; the index takes part, so that a record counts in its place only.
 */
const checkOf = (values: Uint8Array, index: number): number => crc32(values, index) || 1;

/**
 * Opens such a file, or makes it. Each record carries a checksum of its own, so a record that a killed process or
 * another process at the same moment wrote in part is not there, and no lock and no order of writes is needed.
 * @param size numbers of a record
 * @throws the file system's error when it cannot be opened
 */
export function openRecordFile(path: string, size: number): RecordFile {
  const file = openSync(path, constants.O_RDWR | constants.O_CREAT);
  const bytes = recordBytes(size);
  const record = Buffer.alloc(bytes);
  const values = record.subarray(CHECK_BYTES);
  const bytesOf = (array: Float32Array) =>
    new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
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
