import { crc32, deflateSync } from "node:zlib";

const SIGNATURE = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
const [DEPTH, RGB] = [8, 2];

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  sum.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, sum]);
}

/**
 * A square image as a PNG file. It is stored, not compressed, so that every zlib gives the same bytes.
 * @param planes [3, side, side] bytes, all of red, all of green, all of blue
 */
export function pngOf(planes: Uint8Array, side: number): Buffer {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  header.set([DEPTH, RGB], 8);
  const line = 1 + 3 * side;
  const lines = new Uint8Array(side * line);
  for (let i = 0; i < planes.length; i++) {
    const [channel, row, column] = [
      Math.floor(i / side ** 2),
      Math.floor(i / side) % side,
      i % side,
    ];
    lines[row * line + 1 + 3 * column + channel] = planes[i] as number;
  }
  const data = deflateSync(lines, { level: 0 });
  const chunks = [chunk("IHDR", header), chunk("IDAT", data), chunk("IEND", new Uint8Array(0))];
  return Buffer.concat([SIGNATURE, ...chunks]);
}
