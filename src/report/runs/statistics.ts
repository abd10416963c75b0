export interface Spread {
  readonly mean: number;
  /** Standard deviation of the sample (n - 1); undefined for a single number. */
  readonly std: number | undefined;
}

/** The arithmetic mean; NaN of nothing. */
export const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean and sample standard deviation (n - 1), to the last bit the same in any order; undefined of nothing. */
export function spread(unordered: readonly number[]): Spread | undefined {
  if (unordered.length === 0) return undefined;
  const values = [...unordered].sort((a, b) => a - b);
  const center = mean(values);
  if (values.length === 1) return { mean: center, std: undefined };
  const squares = values.map((value) => (value - center) ** 2);
  return { mean: center, std: Math.sqrt(squares.reduce((a, b) => a + b, 0) / (values.length - 1)) };
}

/** "76.28 ± 0.12", or "76.28" of a single number, or "-" of nothing. */
export function formatSpread(value: Spread | undefined, digits = 2): string {
  if (value === undefined) return "-";
  const center = value.mean.toFixed(digits);
  return value.std === undefined ? center : `${center} ± ${value.std.toFixed(digits)}`;
}

/** Coefficients of Lanczos' approximation of the gamma function (g = 7, n = 9). */
const LANCZOS = [
  0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313, -176.61502916214059,
  12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6, 1.5056327351493116e-7,
] as const;

/** Natural logarithm of the gamma function of x > 0.5. */
function logGamma(x: number): number {
  const z = x - 1;
  const sum = LANCZOS.reduce((total, c, i) => (i === 0 ? c : total + c / (z + i)), 0);
  const t = z + 7.5;
  return 0.5 * Math.log(2 * Math.PI) + (z + 0.5) * Math.log(t) - t + Math.log(sum);
}

/** More terms than any p value of a test needs. */
const TERMS = 300;
const SMALL = 1e-300;

/** The continued fraction of the incomplete beta function (Abramowitz and Stegun 26.5.8), by Lentz' method. */
function betaFraction(x: number, a: number, b: number): number {
  const atLeast = (value: number) => (Math.abs(value) < SMALL ? SMALL : value);
  let c = 1;
  let d = 1 / atLeast(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let m = 1; m <= TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    let change = 1;
    for (const term of [even, odd]) {
      d = 1 / atLeast(1 + term * d);
      c = atLeast(1 + term / c);
      change = c * d;
      fraction *= change;
    }
    if (Math.abs(change - 1) < 1e-15) break;
  }
  return fraction;
}

/** The regularized incomplete beta function I_x(a, b), 0 <= x <= 1. */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0 || x >= 1) return x <= 0 ? 0 : 1;
  const logFront = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x);
  const front = Math.exp(logFront);
  return x < (a + 1) / (a + b + 2) ? (front * betaFraction(x, a, b)) / a : 1 - (front * betaFraction(1 - x, b, a)) / b;
}

/** How probable it is that Student's t with so many degrees of freedom lies at least as far from 0 as `t`. */
export const twoSided = (t: number, freedom: number): number =>
  incompleteBeta(freedom / (freedom + t * t), freedom / 2, 0.5);

/** Where two-sided tails of Student's t hold a probability in all: 12.71 for 0.05 and one degree of freedom. */
export function studentQuantile(tails: number, freedom: number): number {
  let [low, high] = [0, 1];
  while (twoSided(high, freedom) > tails) high *= 2;
  for (let step = 0; step < 100; step++) {
    const middle = (low + high) / 2;
    if (twoSided(middle, freedom) > tails) low = middle;
    else high = middle;
  }
  return high;
}

/** Two-sided significance level, and how probably a test shows a difference that is there. */
export const LEVEL = 0.05;
export const POWER = 0.8;

/** Trials beyond which nobody counts. */
const MOST_TRIALS = 999;

/** Values by trial. */
export type Trials = ReadonlyMap<number, number>;

export interface Difference {
  /** Of the means. */
  readonly mean: number;
  /** Its 95 % confidence interval. */
  readonly low: number;
  readonly high: number;
  /** Two-sided, of no difference. */
  readonly p: number;
  /** Whether by trial (both have the same trials), else by Welch (Biometrika 1947). */
  readonly paired: boolean;
  /** Trials on each side that show such a difference with a power of 80 %; undefined beyond 999. */
  trialsAt(level: number): number | undefined;
}

/** Variance of a trial's difference, and degrees of freedom that n trials on each side have. */
type Spreading = { readonly variance: number; freedom(n: number): number };

function trialsNeeded(mean: number, { variance, freedom }: Spreading, level: number): number | undefined {
  const isEnough = (n: number) => {
    const reach = studentQuantile(level, freedom(n)) + studentQuantile(2 * (1 - POWER), freedom(n));
    return Math.abs(mean) >= reach * Math.sqrt(variance / n);
  };
  let [least, most] = [2, MOST_TRIALS];
  if (!isEnough(most)) return undefined;
  while (least < most) {
    const middle = Math.floor((least + most) / 2);
    if (isEnough(middle)) most = middle;
    else least = middle + 1;
  }
  return most;
}

const varianceOf = (values: readonly number[]): number => (spread(values)?.std ?? Number.NaN) ** 2;

/** b's mean over a's, tested by Student's t: paired where both have the same trials; undefined below two values. */
export function differenceOf(b: Trials, a: Trials): Difference | undefined {
  if (a.size < 2 || b.size < 2) return undefined;
  const paired = a.size === b.size && [...a.keys()].every((trial) => b.has(trial));
  const center = mean([...b.values()]) - mean([...a.values()]);
  const [va, vb] = [a, b].map((trials) => varianceOf([...trials.values()])) as [number, number];
  const each = [...b].map(([trial, value]) => value - (a.get(trial) ?? Number.NaN));
  const spreading: Spreading = paired
    ? { variance: varianceOf(each), freedom: (n) => n - 1 }
    : { variance: va + vb, freedom: (n) => ((va + vb) ** 2 * (n - 1)) / (va ** 2 + vb ** 2) };
  const [na, nb] = [a.size, b.size];
  const squared = paired ? spreading.variance / na : va / na + vb / nb;
  const freedom = paired ? na - 1 : squared ** 2 / ((va / na) ** 2 / (na - 1) + (vb / nb) ** 2 / (nb - 1));
  const error = Math.sqrt(squared);
  const reach = error === 0 ? 0 : error * studentQuantile(LEVEL, freedom);
  const p = error === 0 ? Number(center === 0) : twoSided(center / error, freedom);
  const trialsAt = (level: number) => trialsNeeded(center, spreading, level);
  return { mean: center, low: center - reach, high: center + reach, p, paired, trialsAt };
}

/** Holm's step-down correction (Scand. J. Statist. 1979): p values that hold for the family of all of them. */
export function holm(values: readonly number[]): number[] {
  const order = values.map((p, at) => ({ p, at })).sort((a, b) => a.p - b.p);
  const adjusted = [...values];
  let least = 0;
  order.forEach(({ p, at }, place) => {
    least = Math.max(least, Math.min(1, (values.length - place) * p));
    adjusted[at] = least;
  });
  return adjusted;
}
