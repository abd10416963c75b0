import type { EpochRow } from "../log/contract.js";
import type { RunRecord } from "../runs/runRecord.js";
import { spread } from "../runs/statistics.js";
import type { Summary } from "../runs/summarize.js";

export type Point = readonly [epoch: number, value: number];

/** The mean over runs at an epoch, one sample deviation below and above it. */
export interface BandPoint {
  readonly epoch: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

export type CurveSet = { readonly runs: readonly (readonly Point[])[]; readonly mean: readonly BandPoint[] };

export interface Quantity {
  /** Name of the plot's file. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly value: (row: EpochRow) => number;
  readonly logarithmic?: boolean;
  /** Only epochs after this share of a run are drawn; all by default. */
  readonly after?: number;
  /** "term" where it is one term of a loss; "curve" by default. */
  readonly kind?: "curve" | "term";
}

export const QUANTITIES: readonly Quantity[] = [
  { name: "test_top1", title: "Test top-1", unit: "%", value: (row) => row.test.top1 },
  { name: "test_top1_end", title: "Test top-1, last quarter", unit: "%", value: (row) => row.test.top1, after: 0.75 },
  { name: "train_top1", title: "Train top-1", unit: "%", value: (row) => row.train.top1 },
  { name: "test_loss", title: "Test loss", unit: "", value: (row) => row.test.loss },
  { name: "train_loss", title: "Train loss", unit: "", value: (row) => row.train.loss },
  { name: "learning_rate", title: "Learning rate", unit: "", value: (row) => row.learningRate, logarithmic: true },
];

/** The terms that some run's loss has, each before it is weighted, over the training images. */
export function termQuantities(summaries: readonly Summary[]): Quantity[] {
  const rows = summaries.flatMap(({ runs }) => runs.flatMap((run) => run.rows.slice(0, 1)));
  const names = [...new Set(rows.flatMap(({ train }) => Object.keys(train.terms ?? {})))];
  return names.sort().map((term) => ({
    name: `term_${term}`,
    title: `Loss term ${term}`,
    unit: "",
    kind: "term",
    value: ({ train }) => train.terms?.[term] ?? Number.NaN,
  }));
}

/** Points of all curves of a plot: with more of them a page of some plots takes long to make, to send and to open. */
const MOST_POINTS = 32_000;
const FEWEST_SPANS = 4;

/** The number of spans that curves are thinned to: one per pixel of width, fewer where there are many curves. */
export function spansOf(summaries: readonly Summary[], width: number): number {
  const curves = summaries.reduce((sum, { runs }) => sum + (runs.length > 1 ? runs.length + 1 : 1), 0);
  return Math.min(width, Math.max(FEWEST_SPANS, Math.floor(MOST_POINTS / 2 / curves)));
}

/** Whether a curve of so many points is thinned: each span of it keeps two. */
export const isThinned = (points: number, spans: number): boolean => points > 2 * spans;

/** A curve thinned to its ends and the extremes of each span, so that no spike and no best epoch is lost. */
export function thinned(points: readonly Point[], spans: number): readonly Point[] {
  if (!isThinned(points.length, spans)) return points;
  const kept = new Set([0, points.length - 1]);
  for (let span = 0; span < spans; span++) {
    const start = Math.floor((span * points.length) / spans);
    const end = Math.floor(((span + 1) * points.length) / spans);
    const values = points.slice(start, end).map(([, value]) => value);
    kept.add(start + values.indexOf(Math.min(...values)));
    kept.add(start + values.indexOf(Math.max(...values)));
  }
  return points.filter((_, at) => kept.has(at));
}

/** A run's value at an epoch; NaN where it has none, or is not drawn there. */
const heightOf = (run: RunRecord, row: EpochRow, { value, after = 0 }: Quantity): number =>
  row.epoch > after * run.epochs ? value(row) : Number.NaN;

function curve(run: RunRecord, quantity: Quantity): Point[] {
  const points: Point[] = [];
  for (const row of run.rows) {
    const value = heightOf(run, row, quantity);
    if (Number.isFinite(value)) points.push([row.epoch, value]);
  }
  return points;
}

/** Epochs that have tooltips: all that some run has; a subset with the first and the last where curves are thinned. */
export function toldEpochs(summaries: readonly Summary[], quantity: Quantity, spans: number): number[] {
  const epochs = new Set<number>();
  for (const { runs } of summaries) {
    for (const run of runs) {
      for (const row of run.rows) {
        if (!epochs.has(row.epoch) && Number.isFinite(heightOf(run, row, quantity))) epochs.add(row.epoch);
      }
    }
  }
  const sorted = [...epochs].sort((a, b) => a - b);
  if (!isThinned(sorted.length, spans)) return sorted;
  const step = Math.ceil(sorted.length / (2 * spans));
  return sorted.filter((_, at) => at % step === 0 || at === sorted.length - 1);
}

/** The mean where all the curves have a value, so that it never jumps because one of them ends. */
function meanCurve(curves: readonly (readonly Point[])[]): BandPoint[] {
  const next = curves.map(() => 0);
  const values: number[] = [];
  const points: BandPoint[] = [];
  for (const [epoch] of curves[0] ?? []) {
    values.length = 0;
    curves.forEach((curve, at) => {
      while ((curve[next[at] ?? 0]?.[0] ?? Infinity) < epoch) next[at] = (next[at] ?? 0) + 1;
      const point = curve[next[at] ?? 0];
      if (point?.[0] === epoch) values.push(point[1]);
    });
    const at = values.length === curves.length ? spread(values) : undefined;
    if (at === undefined) continue;
    const std = at.std ?? 0;
    points.push({ epoch, mean: at.mean, low: at.mean - std, high: at.mean + std });
  }
  return points;
}

/** An experiment's curves of a quantity, and their mean over the finished runs (over all where none is finished). */
export function curveSet({ runs }: Summary, quantity: Quantity): CurveSet {
  const curves = runs.map((run) => curve(run, quantity));
  const finished = curves.filter((_, at) => runs[at]?.finished);
  return { runs: curves, mean: meanCurve(finished.length > 0 ? finished : curves) };
}
