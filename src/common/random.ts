import { createHash } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

/** Values of 32 bits. */
const VALUES = 2 ** 32;

/** Lists may have so many elements: 32 bits times their number is exact in a float64. */
export const MOST_ELEMENTS = 2 ** 21;

/**
 * Chooses as many elements of a list as `out` takes, in random order, none twice where there are enough; where there are
 * not, each is drawn from all. What is chosen follows from the list, the seed and the purpose alone, as with createRandom;
 * this is for a million draws in a step. The generator is xoshiro128++ (Blackman and Vigna, Scrambled Linear Pseudorandom
 * Number Generators, 2021), a draw Lemire's (Fast Random Integer Generation in an Interval, 2019), and the order Fisher and
 * Yates's. The generator stands in this loop because state that is passed around costs more than the arithmetic.
 * @param from 1 to 2^21 elements; another order is left in it
 * @throws RangeError for another number of elements
 */
export function choose(
  from: Int32Array,
  out: Int32Array,
  seed: number,
  ...purpose: readonly (string | number)[]
): void {
  const { length } = from;
  if (length === 0 || length > MOST_ELEMENTS) {
    throw new RangeError(`There is no choice among ${length} elements.`);
  }
  const keeps = out.length <= length;
  let [a, b, c, d] = streamState([seed, ...purpose]) as [number, number, number, number];
  for (let i = 0; i < out.length; ) {
    const sum = (a + d) | 0;
    const bits = (((sum << 7) | (sum >>> 25)) + a) >>> 0;
    const shifted = b << 9;
    c ^= a;
    d ^= b;
    b ^= c;
    a ^= d;
    c ^= shifted;
    d = (d << 11) | (d >>> 21);
    const left = keeps ? length - i : length;
    const product = bits * left;
    const drawn = Math.floor(product / VALUES);
    // Of the 2^32 values some are left over when they are dealt to `left` elements: those are drawn again.
    const rest = product - drawn * VALUES;
    if (rest < left && rest < VALUES % left) continue;
    const chosen = keeps ? i + drawn : drawn;
    out[i] = from[chosen] as number;
    if (keeps) from[chosen] = from[i] as number;
    i++;
  }
}

/** One stream of random numbers. Every draw moves it on. */
export interface Random {
  /** A float64 in [0, 1), 53 random bits. */
  uniform(): number;
  /**
   * An integer in [0, n), every one equally likely.
   * @param n 1 to 2^32
   * @throws RangeError if n is outside of that
   */
  integer(n: number): number;
  /** A float64 from the normal distribution with mean 0 and standard deviation 1. */
  normal(): number;
  /** Puts the elements into a random order in place, every order equally likely. */
  shuffle(values: Int32Array): void;
}

/**
 * The stream of random numbers that belongs to a seed and a purpose. The same arguments give the same
 * stream on every machine, and any other arguments an unrelated one: whoever needs random numbers names
 * what for (`createRandom(seed, "shuffle", epoch)`), and nothing has to be saved to go on after a break.
 * @param seed an integer
 * @param purpose words and integers that tell this stream from all others of the same seed
 * @throws RangeError if a number among the arguments is not a safe integer
 */
export function createRandom(seed: number, ...purpose: readonly (string | number)[]): Random {
  const generator = xoroshiro128plusFromState(streamState([seed, ...purpose]));
  return {
    uniform: () => uniformFloat64(generator),
    integer: (n) => integerBelow(generator, n),
    normal: normalSource(() => uniformFloat64(generator)),
    shuffle: (values) => shuffleInPlace(generator, values),
  };
}

/**
 * A generator's 128 bits for a seed and a purpose: a cryptographic hash, so that neighbouring seeds share nothing.
 * @throws RangeError if a number among them is not a safe integer
 */
export function streamState(key: readonly (string | number)[]): number[] {
  for (const part of key) {
    if (typeof part === "number" && !Number.isSafeInteger(part)) {
      throw new RangeError(`A random stream is named by integers and words, not by ${part}.`);
    }
  }
  const digest = createHash("sha256").update(JSON.stringify(key)).digest();
  return [0, 4, 8, 12].map((offset) => digest.readInt32LE(offset));
}

/** Takes the highest bits, as the lowest ones of this generator are its weakest; draws again if too large. */
function integerBelow(generator: RandomGenerator, n: number): number {
  if (!(n >= 1 && n <= 2 ** 32)) throw new RangeError(`No integer lies in [0, ${n}).`);
  if (n === 1) return 0;
  const unusedBits = Math.clz32(n - 1);
  let value = generator.next() >>> unusedBits;
  while (value >= n) value = generator.next() >>> unusedBits;
  return value;
}

/**
 * Marsaglia's polar method, which makes two values at a time. It is preferred to Box-Muller's because
 * JavaScript engines differ in the last bit of sine and cosine.
 */
function normalSource(uniform: () => number): () => number {
  let spare: number | undefined;
  return () => {
    if (spare !== undefined) {
      const value = spare;
      spare = undefined;
      return value;
    }
    for (;;) {
      const x = 2 * uniform() - 1;
      const y = 2 * uniform() - 1;
      const squared = x * x + y * y;
      if (squared === 0 || squared >= 1) continue;
      const scale = Math.sqrt((-2 * Math.log(squared)) / squared);
      spare = y * scale;
      return x * scale;
    }
  };
}

/** Fisher and Yates's shuffle. */
function shuffleInPlace(generator: RandomGenerator, values: Int32Array): void {
  for (let last = values.length - 1; last > 0; last--) {
    const chosen = integerBelow(generator, last + 1);
    const moved = values[last] as number;
    values[last] = values[chosen] as number;
    values[chosen] = moved;
  }
}
