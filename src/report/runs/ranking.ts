import { groupBy } from "./grouping.js";
import { pairLabel } from "./labels.js";
import { mean } from "./statistics.js";
import type { Summary } from "./summarize.js";

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

function varianceOfMean(values: readonly number[]): number {
  const center = mean(values);
  const squares = values.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return squares / (values.length - 1) / values.length;
}

/** Welch's t-test (Biometrika 1947): two-sided p value of equal means; undefined where either has under two values. */
export function welchTest(a: readonly number[], b: readonly number[]): number | undefined {
  if (a.length < 2 || b.length < 2) return undefined;
  const [va, vb] = [varianceOfMean(a), varianceOfMean(b)];
  const difference = mean(a) - mean(b);
  if (va + vb === 0) return difference === 0 ? 1 : 0;
  const freedom = (va + vb) ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1));
  return twoSided(difference / Math.sqrt(va + vb), freedom);
}

export interface Rank {
  /** From 1, by the mean accuracy after the last epoch. */
  readonly place: number;
  /** How many are ranked. */
  readonly of: number;
  /** Welch's two-sided p value against the first; undefined for the first, and with too few trials. */
  readonly p: number | undefined;
}

/** Significance level of a difference from the first. */
export const LEVEL = 0.05;

const lastOf = ({ runs }: Summary): number[] =>
  runs.filter((run) => run.finished).map((run) => run.rows.at(-1)?.test.top1 ?? Number.NaN);

/** Settings that runs must share to be compared, besides epochs; whatever else differs is what is compared. */
const SHARED = [
  "dataset",
  "train_data",
  "test_data",
  "teacher_weights",
  "limit_train",
  "limit_test",
  "batch_size",
  "learning_rate",
] as const;

/** Epochs of the main part: those of a method's first phase come before it. */
function mainEpochs({ settings }: Summary): number {
  const [epochs, before] = [settings.epochs, settings.init_epochs].map((value) =>
    typeof value === "number" ? value : 0,
  ) as [number, number];
  return epochs - before;
}

const sharedOf = (summary: Summary): Readonly<Record<string, unknown>> => ({
  teacher: summary.teacher,
  model: summary.model,
  epochs: mainEpochs(summary),
  ...Object.fromEntries(SHARED.map((name) => [name, summary.settings[name] ?? null])),
});

const ranked = (summaries: readonly Summary[]): Summary[] =>
  summaries.filter(({ kind, last }) => kind === "distill" && last !== undefined);

/** What keeps experiments from being ranked together, per pair: "resnet14 → resnet8: epochs, batch_size". */
export const apart = (summaries: readonly Summary[]): string[] =>
  groupBy(ranked(summaries), ({ teacher, model }) => [teacher, model]).flatMap((pair) => {
    const shared = pair.map(sharedOf);
    const names = Object.keys(shared[0] ?? {}).filter(
      (name) => new Set(shared.map((each) => JSON.stringify(each[name]))).size > 1,
    );
    return names.length === 0 ? [] : [`${pairLabel(pair[0] as Summary)}: ${names.join(", ")}`];
  });

function rankGroup(group: readonly Summary[]): [Summary, Rank][] {
  const mean = (summary: Summary) => summary.last?.mean ?? Number.NaN;
  const sorted = [...group].sort((a, b) => mean(b) - mean(a));
  const [first] = sorted;
  if (first === undefined || sorted.length < 2) return [];
  const best = lastOf(first);
  return sorted.map((summary) => {
    const place = 1 + sorted.findIndex((other) => mean(other) === mean(summary));
    const p = summary === first ? undefined : welchTest(lastOf(summary), best);
    return [summary, { place, of: sorted.length, p }];
  });
}

/** Ranks distillations of equal sharedOf by mean last-epoch accuracy, with Welch's t-test against the first. */
export const rankings = (summaries: readonly Summary[]): ReadonlyMap<Summary, Rank> =>
  new Map(groupBy(ranked(summaries), sharedOf).flatMap(rankGroup));
