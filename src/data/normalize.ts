/** Mean and standard deviation of each channel (red, green, blue), pixel values taken as 0 to 1. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly deviation: readonly [number, number, number];
}

/** Normalization of ImageNet weights, torchvision's included. */
export const IMAGENET: Normalization = { mean: [0.485, 0.456, 0.406], deviation: [0.229, 0.224, 0.225] };

/** Normalized values of bytes per channel, [256, 3], bit-identical to torchvision's; padded pixels have row 0. */
export function normalizationTable(normalization: Normalization): Float32Array {
  const table = new Float32Array(256 * 3);
  for (let value = 0; value < 256; value++) {
    for (let channel = 0; channel < 3; channel++) {
      table[value * 3 + channel] = normalize(value, channel, normalization);
    }
  }
  return table;
}

function normalize(value: number, channel: number, { mean, deviation }: Normalization): number {
  const centred = Math.fround(value / 255) - Math.fround(mean[channel] as number);
  return Math.fround(Math.fround(centred) / Math.fround(deviation[channel] as number));
}

const TABLES = new WeakMap<Normalization, Float32Array>();

/** normalizationTable, made once for each. */
export function knownTable(normalization: Normalization): Float32Array {
  const table = TABLES.get(normalization) ?? normalizationTable(normalization);
  TABLES.set(normalization, table);
  return table;
}
