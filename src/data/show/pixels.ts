import type { ImageFormat } from "../dataset.js";
import { knownTable } from "../normalize.js";
import type { ByteImage } from "../strong/image.js";

/** Of each channel the byte that a normalised value stands for. */
function bytesByValue(table: Float32Array): readonly ReadonlyMap<number, number>[] {
  return [0, 1, 2].map(
    (channel) =>
      new Map(
        Array.from({ length: 256 }, (_, byte) => [table[byte * 3 + channel] as number, byte]),
      ),
  );
}

/**
 * The bytes that normalised pixels were made of.
 * @param format of the set that they are from
 * @param values [height, width, 3]
 */
export function toBytes(
  { height, width, normalization }: ImageFormat,
  values: Float32Array,
): ByteImage {
  const known = bytesByValue(knownTable(normalization));
  const bytes = Uint8Array.from(values, (value, i) => known[i % 3]?.get(value) as number);
  return { height, width, bytes };
}
