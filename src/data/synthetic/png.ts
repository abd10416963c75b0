import { storedPng } from "../images/png.js";

/**
 * A square image as a PNG file, the same bytes everywhere.
 * @param planes [3, side, side] bytes, all of red, all of green, all of blue
 */
export function pngOf(planes: Uint8Array, side: number): Buffer {
  const bytes = new Uint8Array(planes.length);
  for (let i = 0; i < planes.length; i++) {
    const [channel, pixel] = [Math.floor(i / side ** 2), i % side ** 2];
    bytes[pixel * 3 + channel] = planes[i] as number;
  }
  return storedPng({ height: side, width: side, bytes });
}
