import { sha256 } from "#pefd/data/checksums.js";
import type { ImageReader } from "#pefd/data/images/reader.js";
import { boxView, evaluationView, resizedSize, type View } from "#pefd/data/images/view.js";
import { IMAGENET, knownTable } from "#pefd/data/normalize.js";
import { type Check, checkNumbers, checkSame, mismatch } from "../comparison.js";
import type { GoldenImage, GoldenView, ImagesGolden } from "./schema.js";

/** What evaluation and training on ImageNet show. */
const EVALUATION = { resize: 256, crop: 224 };
const SIDE = 224;

/** Modes of Pillow whose pixels are not the reference's byte for byte, and how many levels they may be off. */
const LEVELS: Readonly<Record<string, number>> = {
  CMYK: 1,
  // Pillow cuts 16 bits to 255 instead of to their upper half.
  "I;16": Number.POSITIVE_INFINITY,
};

/** Which of the probes are also given normalised. */
const NORMALIZED = [9, 10];

type Probes = Pick<ImagesGolden, "probe_positions">;

const probesOf = (bytes: Uint8Array, { probe_positions }: Probes): number[][] =>
  probe_positions.map(([y, x]) => Array.from(bytes.subarray((y * SIDE + x) * 3).subarray(0, 3)));

const normalized = (levels: readonly number[]): number[] =>
  levels.map((level, channel) => knownTable(IMAGENET)[level * 3 + channel] as number);

function checkExact(what: string, bytes: Uint8Array, golden: GoldenView, probes: Probes): Check[] {
  const found = NORMALIZED.map((i) => normalized(probesOf(bytes, probes)[i] as number[]));
  return [
    checkSame(`${what} bytes`, sha256(bytes), golden.sha256),
    checkNumbers(`${what} normalised`, found.flat(), golden.normalized_probes.flat().map(Math.fround), () => 0),
  ];
}

/** Compares the bytes of one view. */
function checkView(what: string, bytes: Uint8Array, golden: GoldenView, probes: Probes, levels: number): Check[] {
  if (levels === 0) return checkExact(what, bytes, golden, probes);
  if (levels === Number.POSITIVE_INFINITY) return [];
  const found = probesOf(bytes, probes).flat();
  return [checkNumbers(`${what} probes`, found, golden.probes.flat(), () => levels)];
}

/**
 * Compares one image: its size, its pixels, and what evaluation and each crop show of it.
 * @param file its bytes
 * @param readers by name, each of which must give the same
 */
export function checkImage(
  golden: GoldenImage,
  file: Uint8Array,
  readers: Readonly<Record<string, ImageReader>>,
  probes: Probes,
): Check[] {
  const { file: name, height, width, resized, crops } = golden;
  if (sha256(file) !== golden.sha256) return [mismatch(name, "is another file")];
  const levels = LEVELS[golden.mode] ?? 0;
  return Object.entries(readers).flatMap(([by, reader]) => {
    const check = (what: string, expected: GoldenView, viewOf: () => View) => {
      const bytes = reader.show(name, file, viewOf);
      return checkView(`${name} ${what} (${by})`, bytes, expected, probes, levels);
    };
    const size = reader.size(name, file);
    const pixels = reader.pixels(name, file);
    const evaluation = resizedSize(size, EVALUATION.resize);
    const side = { height: SIDE, width: SIDE };
    return [
      checkSame(`${name} size`, [size.height, size.width], [height, width]),
      checkSame(`${name} resized`, [evaluation.width, evaluation.height], resized),
      ...(levels === 0 ? [checkSame(`${name} pixels`, sha256(pixels.bytes), golden.pixels_sha256)] : []),
      ...check("evaluation", golden.eval, () => evaluationView(size, EVALUATION)),
      ...crops.flatMap((crop, i) => check(`crop ${i + 1}`, crop, () => boxView(crop, side, crop.flip))),
    ];
  });
}
