/** One comparison: the element that is furthest off, measured against what it may be off by. */
export interface Check {
  /** What was compared, down to the element. */
  readonly what: string;
  /** Absolute difference; Infinity where nothing can be compared. */
  readonly error: number;
  readonly bound: number;
  /** Said instead of the difference where there is none: another shape, a missing tensor. */
  readonly mismatch?: string;
  /** Which rerun, with images off by one rounding, it is of; where there had to be some. */
  readonly rerun?: number;
  /** Whether the bound is what roundings do to this number, measured on the eager engine. */
  readonly ofRounding?: boolean;
  /** Whether nothing was compared: it is a name of what pefd does not have. */
  readonly absent?: boolean;
}

/** A case of a file that pefd has no counterpart of. */
export const absent = (what: string): Check => ({ what, error: 0, bound: 0, absent: true });

/** How far an element may be from its expected value. */
export type Bound = (expected: number) => number;

/** The project's own bound: relative, where the reference's own spread is smaller. */
export const RELATIVE = 1e-4;

/** How many times its spread a number may be off, as the golden files' README suggests. */
const SPREADS = 5;

/** 5 spreads, or 1e-4 of the value, whichever is larger. @param spread absolute */
export const withinSpread =
  (spread: number): Bound =>
  (expected) =>
    Math.max(SPREADS * spread, RELATIVE * Math.abs(expected));

/** A relative bound. @param spread relative @param least taken where 5 spreads are less */
export const withinRelative =
  (spread: number, least: number = RELATIVE): Bound =>
  (expected) =>
    Math.max(SPREADS * spread, least) * Math.abs(expected);

/** 5 spreads, or a fraction of the tensor's root mean square. @param spread absolute */
export const withinScale =
  (spread: number, fraction: number, rootMeanSquare: number): Bound =>
  (expected) =>
    Math.max(SPREADS * spread, fraction * Math.max(rootMeanSquare, Math.abs(expected)));

/** Error as a multiple of the bound; NaN counts as infinitely far off. */
export function ratioOf({ error, bound }: Check): number {
  if (error === 0) return 0;
  const ratio = error / bound;
  return Number.isNaN(ratio) ? Number.POSITIVE_INFINITY : ratio;
}

/** A check that cannot hold. */
export const mismatch = (what: string, sentence: string): Check => ({
  what,
  error: Number.POSITIVE_INFINITY,
  bound: 0,
  mismatch: sentence,
});

/** Compares one number. */
export const checkNumber = (what: string, actual: number, expected: number, bound: Bound): Check => ({
  what,
  error: Math.abs(actual - expected),
  bound: bound(expected),
});

/** Compares numbers one by one. @returns the worst of them */
export function checkNumbers(
  what: string,
  actual: ArrayLike<number>,
  expected: readonly number[],
  bound: Bound,
): Check {
  if (actual.length !== expected.length) {
    return mismatch(what, `has ${actual.length} elements instead of ${expected.length}`);
  }
  const checks = expected.map((value, i) => checkNumber(`${what}[${i}]`, actual[i] as number, value, bound));
  return worst(checks) ?? { what, error: 0, bound: 0 };
}

/** Compares words or lists exactly. */
export function checkSame(what: string, actual: unknown, expected: unknown): Check {
  const [is, shouldBe] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (is === shouldBe) return { what, error: 0, bound: 0 };
  return mismatch(what, `is ${is} instead of ${shouldBe}`);
}

/** The check that is furthest off relative to its bound. */
export function worst(checks: readonly Check[]): Check | undefined {
  let found: Check | undefined;
  for (const check of checks) {
    if (found === undefined || ratioOf(check) > ratioOf(found)) found = check;
  }
  return found;
}
