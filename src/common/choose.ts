import { streamState } from "./random.js";

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
