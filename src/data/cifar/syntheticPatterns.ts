import { createRandom, type Random } from "../../common/random.js";
import { COARSE_CLASSES, FINE_CLASSES, IMAGE_BYTES, IMAGE_SIZE } from "./records.js";

/**
 * What the images of one class share: a mean colour and a product of two waves, one down and one across
 * the image. Mirroring or shifting such an image only changes the phases of its waves, which are random
 * anyway, so that random crops and flips never turn one class into another.
 */
export interface ClassPattern {
  /** Mean of each channel, 0 to 255. */
  readonly colour: readonly number[];
  /** Height of the waves in each channel, negative where they run against the others. */
  readonly contrast: readonly number[];
  /** Waves per image down and across. */
  readonly down: number;
  readonly across: number;
}

/** Standard deviation of the mean brightness from image to image. */
const BRIGHTNESS_DEVIATION = 10;

/** Pixel noise is uniform within -32 to 31 (standard deviation 18). */
const NOISE_VALUES = 64;

/** Mean colours lie on a grid of 5 x 5 x 4, which has one place for each class. */
const COLOUR_LEVELS = [
  [70, 98, 126, 154, 182],
  [70, 98, 126, 154, 182],
  [75, 109, 143, 177],
] as const;

/** The patterns of all 100 classes; they depend on the seed only, so that training and test files agree. */
export function classPatterns(seed: number): ClassPattern[] {
  const places = Int32Array.from({ length: FINE_CLASSES }, (_, place) => place);
  createRandom(seed, "synthetic colours").shuffle(places);
  const random = createRandom(seed, "synthetic waves");
  return Array.from(places, (place) => ({
    colour: colourAt(place),
    contrast: [0, 1, 2].map(() => (random.integer(2) ? 1 : -1) * (15 + 20 * random.uniform())),
    down: 1 + random.integer(4),
    across: 1 + random.integer(4),
  }));
}

function colourAt(place: number): number[] {
  const [red, green, blue] = COLOUR_LEVELS;
  const level = [place % 5, Math.floor(place / 5) % 5, Math.floor(place / 25)] as const;
  return [red[level[0]], green[level[1]], blue[level[2]]] as number[];
}

/**
 * Draws one image of a class: random brightness, wave phases and pixel noise.
 * @param target [3, 32, 32] bytes, one colour plane after the other, at the given offset
 */
export function drawImage(
  pattern: ClassPattern,
  random: Random,
  target: Uint8Array,
  offset: number,
): void {
  const brightness = BRIGHTNESS_DEVIATION * random.normal();
  const down = wave(pattern.down, random.uniform());
  const across = wave(pattern.across, random.uniform());
  for (let i = 0; i < IMAGE_BYTES; i++) {
    const channel = Math.floor(i / IMAGE_SIZE ** 2);
    const row = Math.floor(i / IMAGE_SIZE) % IMAGE_SIZE;
    const height = (down[row] as number) * (across[i % IMAGE_SIZE] as number);
    const mean = (pattern.colour[channel] as number) + brightness;
    const clean = mean + (pattern.contrast[channel] as number) * height;
    const noise = random.integer(NOISE_VALUES) - NOISE_VALUES / 2;
    target[offset + i] = Math.min(255, Math.max(0, Math.round(clean + noise)));
  }
}

/** A cosine over the side of an image; the phase is a share of its period. */
function wave(periods: number, phase: number): Float64Array {
  return Float64Array.from({ length: IMAGE_SIZE }, (_, i) =>
    Math.cos(2 * Math.PI * ((periods * i) / IMAGE_SIZE + phase)),
  );
}

const KINDS = [
  ["tiny", "small", "plain", "large", "giant"],
  ["tiles", "waves", "weaves", "knots", "clouds"],
  ["warm", "cool", "pale", "dark"],
] as const;

/** Invented names of the 20 coarse classes, such as warm_tiles. */
export function coarseNames(): string[] {
  return KINDS[1].flatMap((form) => KINDS[2].map((tone) => `${tone}_${form}`));
}

/** Invented names of the 100 classes, five to a coarse one, such as small_warm_tiles. */
export function fineNames(): string[] {
  return coarseNames().flatMap((coarse) => KINDS[0].map((size) => `${size}_${coarse}`));
}

/** The coarse class of a fine one. */
export function coarseOf(label: number): number {
  return Math.floor((label * COARSE_CLASSES) / FINE_CLASSES);
}
