import { createRandom, type Random } from "../../common/random.js";

/** A mean color and a product of two waves; crops and flips change only their phases, which are random anyway. */
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

/** Mean colors lie on a grid of 5 x 5 x 4: up to so many classes have a color each, others share theirs. */
const COLOURS = 100;
const COLOUR_LEVELS = [
  [70, 98, 126, 154, 182],
  [70, 98, 126, 154, 182],
  [75, 109, 143, 177],
] as const;

/** Patterns of the first classes; each depends on the seed only, so that training and test files agree. */
export function classPatterns(seed: number, classes: number): ClassPattern[] {
  const places = Int32Array.from({ length: COLOURS }, (_, place) => place);
  createRandom(seed, "synthetic colours").shuffle(places);
  const random = createRandom(seed, "synthetic waves");
  return Array.from({ length: classes }, (_, label) => ({
    colour: colourAt(places[label % COLOURS] as number),
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

/** One image of a class, [3, side, side] bytes: random brightness, wave phases, pixel noise. @param side in pixels */
export function drawImage(pattern: ClassPattern, random: Random, side: number): Uint8Array {
  const target = new Uint8Array(3 * side * side);
  const brightness = BRIGHTNESS_DEVIATION * random.normal();
  const down = wave(pattern.down, random.uniform(), side);
  const across = wave(pattern.across, random.uniform(), side);
  for (let i = 0; i < target.length; i++) {
    const channel = Math.floor(i / side ** 2);
    const row = Math.floor(i / side) % side;
    const height = (down[row] as number) * (across[i % side] as number);
    const mean = (pattern.colour[channel] as number) + brightness;
    const clean = mean + (pattern.contrast[channel] as number) * height;
    const noise = random.integer(NOISE_VALUES) - NOISE_VALUES / 2;
    target[i] = Math.min(255, Math.max(0, Math.round(clean + noise)));
  }
  return target;
}

/** A cosine over the side of an image; the phase is a share of its period. */
function wave(periods: number, phase: number, side: number): Float64Array {
  return Float64Array.from({ length: side }, (_, i) => Math.cos(2 * Math.PI * ((periods * i) / side + phase)));
}

const KINDS = [
  ["tiny", "small", "plain", "large", "giant"],
  ["tiles", "waves", "weaves", "knots", "clouds"],
  ["warm", "cool", "pale", "dark"],
] as const;

/** Invented names of 20 kinds of classes, such as warm_tiles. */
export function kindNames(): string[] {
  return KINDS[1].flatMap((form) => KINDS[2].map((tone) => `${tone}_${form}`));
}

/** Invented names of classes, five to a kind, such as small_warm_tiles; from the 101st on with a number behind. */
export function classNames(classes: number): string[] {
  const names = kindNames().flatMap((kind) => KINDS[0].map((size) => `${size}_${kind}`));
  const rounds = Math.ceil(classes / names.length);
  const all = Array.from({ length: rounds }, (_, round) =>
    names.map((name) => (round === 0 ? name : `${name}_${round + 1}`)),
  );
  return all.flat().slice(0, classes);
}
