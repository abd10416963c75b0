/**
 * The log that W&B keeps a run in (run-ID.wandb): a head of 7 bytes, then records in LevelDB's log format, in blocks of
 * 32 KiB. Unlike LevelDB's own its checksums are plain CRC-32.
 * Source: LevelDB's doc/log_format.md, and wandb's open source (sdk/internal/datastore.py, core/internal/transactionlog).
 */
import { crc32 } from "node:zlib";

/** ":W&B", a magic number (0xBEE1, little-endian), and version 0. */
const HEAD = Buffer.from([0x3a, 0x57, 0x26, 0x42, 0xe1, 0xbe, 0x00]);

const BLOCK = 32768;

/** Of a piece: checksum (4 bytes), length (2), kind (1). */
const PIECE_HEAD = 7;

/** Whether a piece is a whole record, or its first, a middle or its last part. */
const KIND = { full: 1, first: 2, middle: 3, last: 4 };

function piece(kind: number, data: Uint8Array): Buffer {
  const bytes = Buffer.alloc(PIECE_HEAD + data.length);
  bytes.writeUInt16LE(data.length, 4);
  bytes.writeUInt8(kind, 6);
  bytes.set(data, PIECE_HEAD);
  bytes.writeUInt32LE(crc32(bytes.subarray(6)), 0);
  return bytes;
}

const kindOf = (isFirst: boolean, isLast: boolean): number => {
  if (isFirst) return isLast ? KIND.full : KIND.first;
  return isLast ? KIND.last : KIND.middle;
};

/** A log of some records. */
export function logOf(records: readonly Uint8Array[]): Buffer {
  const parts: Buffer[] = [HEAD];
  let at = HEAD.length;
  const add = (part: Buffer) => {
    parts.push(part);
    at += part.length;
  };
  for (const record of records) {
    let done = 0;
    let isFirst = true;
    do {
      // No piece begins where its head would cross the end of a block.
      if (BLOCK - (at % BLOCK) < PIECE_HEAD) add(Buffer.alloc(BLOCK - (at % BLOCK)));
      const room = BLOCK - (at % BLOCK) - PIECE_HEAD;
      const data = record.subarray(done, done + room);
      add(piece(kindOf(isFirst, done + data.length === record.length), data));
      isFirst = false;
      done += data.length;
    } while (done < record.length);
  }
  return Buffer.concat(parts);
}

/**
 * The records of a log.
 * @returns undefined where it is none, or is damaged
 */
export function recordsOf(log: Uint8Array): Uint8Array[] | undefined {
  const bytes = Buffer.from(log.buffer, log.byteOffset, log.byteLength);
  if (!bytes.subarray(0, HEAD.length).equals(HEAD)) return undefined;
  const records: Uint8Array[] = [];
  let parts: Buffer[] = [];
  for (let at = HEAD.length; at < bytes.length; ) {
    const room = BLOCK - (at % BLOCK);
    if (room < PIECE_HEAD) {
      at += room;
      continue;
    }
    if (bytes.length - at < PIECE_HEAD) return undefined;
    const end = at + PIECE_HEAD + bytes.readUInt16LE(at + 4);
    if (end > bytes.length || bytes.readUInt32LE(at) !== crc32(bytes.subarray(at + 6, end))) return;
    parts.push(bytes.subarray(at + PIECE_HEAD, end));
    if ([KIND.full, KIND.last].includes(bytes.readUInt8(at + 6))) {
      records.push(Buffer.concat(parts));
      parts = [];
    }
    at = end;
  }
  return parts.length === 0 ? records : undefined;
}
