import { constants, crc32, deflateSync } from "node:zlib";
import type { ByteImage } from "../strong/image.js";

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
const [DEPTH, RGB, CHANNELS] = [8, 2, 3];

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/** Filters of the PNG specification: bytes as they are, or less the same color of the pixel before. */
const [AS_IT_IS, SUB] = [0, 1];

/** The lines of an image, each behind the number of its filter. */
function filteredLines({ height, width, bytes }: ByteImage, filter: number): Uint8Array {
  const line = width * CHANNELS;
  const lines = new Uint8Array(height * (1 + line));
  for (let y = 0; y < height; y++) {
    const [from, to] = [y * line, y * (1 + line)];
    lines[to] = filter;
    for (let x = 0; x < line; x++) {
      const before = filter === SUB && x >= CHANNELS ? (bytes[from + x - CHANNELS] as number) : 0;
      lines[to + 1 + x] = (bytes[from + x] as number) - before;
    }
  }
  return lines;
}

function fileOf({ height, width }: ByteImage, data: Uint8Array): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([DEPTH, RGB], 8);
  const chunks = [chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", new Uint8Array(0))];
  return Buffer.concat([SIGNATURE, ...chunks]);
}

/** An image as a PNG file that is stored, not compressed, so that every zlib gives the same bytes. */
export const storedPng = (image: ByteImage): Buffer =>
  fileOf(image, deflateSync(filteredLines(image, AS_IT_IS), { level: 0 }));

/** An image as a smaller PNG file. zlib looks only for runs: other searches give other bytes on other CPUs. */
export const smallPng = (image: ByteImage): Buffer =>
  fileOf(image, deflateSync(filteredLines(image, SUB), { strategy: constants.Z_RLE }));
