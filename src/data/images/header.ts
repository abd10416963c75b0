import { type PefdError, runError } from "../../common/errors.js";
import type { ImageSize } from "./view.js";

/** A problem of an image's bytes; imageError adds its name. */
export class ImageProblem extends Error {
  override readonly name = "ImageProblem";
}

/** The error of an image that cannot be used. @param name of its file @param problem a clause: "it is empty" */
export const imageError = (name: string, problem: string): PefdError =>
  runError(
    `The image ${name} cannot be used: ${problem}.`,
    "Replace the file, or skip it with --skip_list FILE, a list of names; `pefd data verify` finds all such images.",
  );

interface Format {
  readonly name: "JPEG" | "PNG" | "BMP" | "WebP";
  /** Whether a file begins as those of this format do, whatever its name is. */
  matches(bytes: Buffer): boolean;
  /** @throws ImageProblem for a file that is seen to be damaged without decoding it */
  size(bytes: Buffer): ImageSize;
}

// Formats whose size stands at a fixed place.

const beginsWith = (bytes: Buffer, text: string, at = 0): boolean =>
  bytes.toString("latin1", at, at + text.length) === text;

/** PNG (ISO/IEC 15948): its first chunk, IHDR, has the size. */
const PNG: Format = {
  name: "PNG",
  matches: (bytes) => beginsWith(bytes, "\x89PNG\r\n\x1a\n"),
  size: (bytes) => ({ width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) }),
};

/** Length of the header of the first version of BMP, which has shorter numbers. */
const OLD_HEADER = 12;

/** BMP: a negative height means that the first row comes first. */
const BMP: Format = {
  name: "BMP",
  matches: (bytes) => beginsWith(bytes, "BM"),
  size: (bytes) =>
    bytes.readUInt32LE(14) === OLD_HEADER
      ? { width: bytes.readUInt16LE(18), height: bytes.readUInt16LE(20) }
      : { width: Math.abs(bytes.readInt32LE(18)), height: Math.abs(bytes.readInt32LE(22)) },
};

/** The three kinds of WebP by their first chunk (RFC 9649). */
const WEBP_KINDS: Readonly<Record<string, Format["size"]>> = {
  "VP8 ": (bytes) => ({ width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff }),
  VP8L: (bytes) => {
    const bits = bytes.readUInt32LE(21);
    return { width: (bits & 0x3fff) + 1, height: ((bits >>> 14) & 0x3fff) + 1 };
  },
  VP8X: (bytes) => ({ width: bytes.readUIntLE(24, 3) + 1, height: bytes.readUIntLE(27, 3) + 1 }),
};

const WEBP: Format = {
  name: "WebP",
  matches: (bytes) => beginsWith(bytes, "RIFF") && beginsWith(bytes, "WEBP", 8),
  size: (bytes) => {
    const kind = WEBP_KINDS[bytes.toString("latin1", 12, 16)];
    if (kind === undefined) throw new ImageProblem("it is a WebP of an unknown kind");
    return kind(bytes);
  },
};

// Markers of ITU-T T.81, table B.1: a byte 0xff, then one of these.
const [START, END, SCAN] = [0xd8, 0xd9, 0xda];
/** Frame markers, with the size. Those between, 0xc4, 0xc8 and 0xcc, are tables. */
const FRAMES = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7]);
const ARITHMETIC_FRAMES = new Set([0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);
/** Markers without a segment behind them: restarts, and one for temporary use; 0 is no marker. */
const isAlone = (marker: number): boolean => marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd7);

const END_MARKER = Buffer.from([0xff, END]);

/** The place behind the next marker, over whatever lies before it, as libjpeg does. */
function nextMarker(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(0xff, from);
  if (at < 0) throw new RangeError("no marker");
  while (bytes.readUInt8(at) === 0xff) at++;
  return at + 1;
}

function findFrame(bytes: Buffer): number {
  let at = nextMarker(bytes, 2);
  for (;;) {
    const marker = bytes.readUInt8(at - 1);
    if (ARITHMETIC_FRAMES.has(marker)) {
      throw new ImageProblem("the JPEG uses arithmetic coding, which Pillow and browsers cannot read");
    }
    if (FRAMES.has(marker)) return at + 3;
    if (marker === SCAN || marker === END) throw new ImageProblem("the JPEG header is corrupt: it has no size");
    at = nextMarker(bytes, isAlone(marker) ? at : at + bytes.readUInt16BE(at));
  }
}

/** A file whose end is missing is found here, even where only its upper part is decoded. */
function size(bytes: Buffer): ImageSize {
  const frame = findFrame(bytes);
  if (bytes.lastIndexOf(END_MARKER) < frame) throw new ImageProblem("the JPEG is truncated: its end is missing");
  return { height: bytes.readUInt16BE(frame), width: bytes.readUInt16BE(frame + 2) };
}

const JPEG: Format = { name: "JPEG", matches: (bytes) => bytes[0] === 0xff && bytes[1] === START, size };

export type Header = ImageSize & { readonly format: Format["name"] };

const FORMATS: readonly Format[] = [JPEG, PNG, BMP, WEBP];

/** The bound at which Pillow speaks of a decompression bomb; three bytes a pixel are needed. */
export const MOST_PIXELS = 178_956_970;

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

function sizeIn(format: Format, bytes: Buffer): ImageSize {
  try {
    return format.size(bytes);
  } catch (error) {
    if (error instanceof RangeError) throw new ImageProblem(`the ${format.name} is truncated`);
    throw error;
  }
}

/** Format and size from a file's first bytes. @throws ImageProblem for no image, visible damage, over MOST_PIXELS */
export function readHeader(file: Uint8Array): Header {
  const bytes = bufferOf(file);
  if (bytes.length === 0) throw new ImageProblem("it is empty");
  const format = FORMATS.find((each) => each.matches(bytes));
  if (format === undefined) throw new ImageProblem("it is not a JPEG, PNG, BMP or WebP");
  const { height, width } = sizeIn(format, bytes);
  if (height === 0 || width === 0) {
    throw new ImageProblem(`the ${format.name} says that it is ${width} x ${height} pixels`);
  }
  if (height * width > MOST_PIXELS) {
    throw new ImageProblem(`${width} x ${height} pixels exceed the limit of ${MOST_PIXELS}`);
  }
  return { format: format.name, height, width };
}
