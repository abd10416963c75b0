/** One image of bytes: RGB interleaved, row by row. */
export interface ByteImage {
  readonly height: number;
  readonly width: number;
  /** [height, width, 3] */
  readonly bytes: Uint8Array;
}

export const CHANNELS = 3;

/** The same image with other bytes. @param byteAt the new byte at a position of the array */
export function mapped(image: ByteImage, byteAt: (position: number) => number): ByteImage {
  const bytes = new Uint8Array(image.bytes.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = byteAt(i);
  return { ...image, bytes };
}

/** The same image with each byte replaced by its table's entry. @param tables 256 entries for each color */
export const lookedUp = (image: ByteImage, tables: readonly ArrayLike<number>[]): ByteImage =>
  mapped(image, (i) => (tables[i % CHANNELS] as ArrayLike<number>)[image.bytes[i] as number] as number);
