import { createHash } from "node:crypto";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import type { RandomGenerator } from "pure-rand/types/RandomGenerator";

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
