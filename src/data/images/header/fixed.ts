import { ImageProblem } from "../problem.js";
import type { Format } from "./format.js";

// Formats whose size stands at a fixed place.

const beginsWith = (bytes: Buffer, text: string, at = 0): boolean =>
  bytes.toString("latin1", at, at + text.length) === text;

/** PNG (ISO/IEC 15948): its first chunk, IHDR, tells the size. */
export const PNG: Format = {
  name: "PNG",
  matches: (bytes) => beginsWith(bytes, "\x89PNG\r\n\x1a\n"),
  size: (bytes) => ({ width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }),
};

/** Length of the header of the first version of BMP, which has shorter numbers. */
const OLD_HEADER = 12;

/** BMP: a negative height means that the first row comes first. */
export const BMP: Format = {
  name: "BMP",
  matches: (bytes) => beginsWith(bytes, "BM"),
  size: (bytes) =>
    bytes.readUInt32LE(14) === OLD_HEADER
      ? { width: bytes.readUInt16LE(18), height: bytes.readUInt16LE(20) }
      : { width: Math.abs(bytes.readInt32LE(18)), height: Math.abs(bytes.readInt32LE(22)) },
};

/** The three kinds of WebP by their first chunk (RFC 9649). */
const WEBP_KINDS: Readonly<Record<string, Format["size"]>> = {
  "VP8 ": (bytes) => ({
    width: bytes.readUInt16LE(26) & 0x3fff,
    height: bytes.readUInt16LE(28) & 0x3fff,
  }),
  VP8L: (bytes) => {
    const bits = bytes.readUInt32LE(21);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  },
  VP8X: (bytes) => ({ width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }),
};

export const WEBP: Format = {
  name: "WebP",
  matches: (bytes) => beginsWith(bytes, "RIFF") && beginsWith(bytes, "WEBP", 8),
  size: (bytes) => {
    const kind = WEBP_KINDS[bytes.toString("latin1", 12, 16)];
    if (kind === undefined) throw new ImageProblem("it is a WebP of an unknown kind");
    return kind(bytes);
  },
};
