import { ImageProblem } from "../problem.js";
import type { ImageSize } from "../view.js";
import type { Format } from "./format.js";

// Markers of ITU-T T.81, table B.1: a byte 0xff, then one of these.
const [START, END, SCAN] = [0xd8, 0xd9, 0xda];
/** Frames, which tell the size. Those between, 0xc4, 0xc8 and 0xcc, are tables. */
const FRAMES = new Set([0xc0, 0xc1, 0xc2, 0xc3, 0xc5, 0xc6, 0xc7]);
const ARITHMETIC_FRAMES = new Set([0xc9, 0xca, 0xcb, 0xcd, 0xce, 0xcf]);
/** Markers without a segment behind them: restarts, and one for temporary use; 0 is no marker. */
const isAlone = (marker: number): boolean =>
  marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd7);

const END_MARKER = Buffer.from([0xff, END]);

/** The place behind the next marker, over whatever lies before it, as libjpeg does. */
function nextMarker(bytes: Buffer, from: number): number {
  let at = bytes.indexOf(0xff, from);
  if (at < 0) throw new RangeError("no marker");
  while (bytes.readUInt8(at) === 0xff) at++;
  return at + 1;
}

/** The place of the frame's size. */
function findFrame(bytes: Buffer): number {
  let at = nextMarker(bytes, 2);
  for (;;) {
    const marker = bytes.readUInt8(at - 1);
    if (ARITHMETIC_FRAMES.has(marker)) {
      throw new ImageProblem(
        "the JPEG has arithmetic coding, which Pillow and browsers cannot read",
      );
    }
    if (FRAMES.has(marker)) return at + 3;
    if (marker === SCAN || marker === END) {
      throw new ImageProblem("the JPEG's header is damaged: it does not tell the size");
    }
    at = nextMarker(bytes, isAlone(marker) ? at : at + bytes.readUInt16BE(at));
  }
}

/** A file whose end is missing is found here, even where only its upper part is decoded. */
function size(bytes: Buffer): ImageSize {
  const frame = findFrame(bytes);
  if (bytes.lastIndexOf(END_MARKER) < frame) {
    throw new ImageProblem("the JPEG is cut short: its end is missing");
  }
  return { height: bytes.readUInt16BE(frame), width: bytes.readUInt16BE(frame + 2) };
}

export const JPEG: Format = {
  name: "JPEG",
  matches: (bytes) => bytes[0] === 0xff && bytes[1] === START,
  size,
};
