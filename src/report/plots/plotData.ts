import type { EpochRow } from "../log/contract.js";
import type { RunRecord } from "../runs/runRecord.js";
import { spread } from "../runs/statistics.js";
import type { Summary } from "../runs/summarize.js";

/** A point of a curve: epoch, value. */
export type Point = readonly [epoch: number, value: number];

/** The mean over runs at an epoch, one sample deviation below and above it. */
export interface BandPoint {
  readonly epoch: number;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** One experiment's curves of one quantity. */
export interface CurveSet {
  /** One curve per run. */
  readonly runs: readonly (readonly Point[])[];
  readonly mean: readonly BandPoint[];
}

/** A quantity that is drawn over epochs. */
export interface Quantity {
  /** Name of the plot's file. */
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  readonly value: (row: EpochRow) => number;
  /** Whether its axis is logarithmic. */
  readonly logarithmic?: boolean;
  /** Only epochs after this share of a run are drawn; all by default. */
  readonly after?: number;
  /** "term" where it is one term of a loss; "curve" by default. */
  readonly kind?: "curve" | "term";
}

/** What is drawn over epochs. */
export const QUANTITIES: readonly Quantity[] = [
  { name: "test_top1", title: "Test top-1", unit: "%", value: (row) => row.test.top1 },
  {
    name: "test_top1_end",
    title: "Test top-1, last quarter",
    unit: "%",
    value: (row) => row.test.top1,
    after: 0.75,
  },
  { name: "train_top1", title: "Train top-1", unit: "%", value: (row) => row.train.top1 },
  { name: "test_loss", title: "Test loss", unit: "", value: (row) => row.test.loss },
  { name: "train_loss", title: "Train loss", unit: "", value: (row) => row.train.loss },
  {
    name: "learning_rate",
    title: "Learning rate",
    unit: "",
    value: (row) => row.learningRate,
    logarithmic: true,
  },
];

/** The terms that some run's loss has, each before it is weighted, over the training images. */
export function termQuantities(summaries: readonly Summary[]): Quantity[] {
  const rows = summaries.flatMap(({ runs }) => runs.flatMap((run) => run.rows.slice(0, 1)));
  const names = [...new Set(rows.flatMap(({ train }) => Object.keys(train.terms ?? {})))];
  return names.sort().map((term) => ({
    ...{ name: `term_${term}`, title: `Loss term ${term}`, unit: "", kind: "term" },
    value: ({ train }) => train.terms?.[term] ?? Number.NaN,
  }));
}

const isPoint = ([, value]: Point) => Number.isFinite(value);

const curve = (run: RunRecord, { value, after = 0 }: Quantity): Point[] =>
  run.rows
    .filter(({ epoch }) => epoch > after * run.epochs)
    .map((row): Point => [row.epoch, value(row)])
    .filter(isPoint);

/** The mean where all the curves have a value, so that it never jumps because one of them ends. */
function meanCurve(curves: readonly (readonly Point[])[]): BandPoint[] {
  const [first, ...others] = curves.map((points) => new Map(points));
  return [...(first ?? [])].flatMap(([epoch, value]) => {
    const values = [value, ...others.flatMap((other) => other.get(epoch) ?? [])];
    const at = values.length === curves.length ? spread(values) : undefined;
    if (at === undefined) return [];
    const std = at.std ?? 0;
    return [{ epoch, mean: at.mean, low: at.mean - std, high: at.mean + std }];
  });
}

/**
 * An experiment's curves of a quantity. The mean is over the finished runs, or over all where none is finished.
 */
export function curveSet({ runs }: Summary, quantity: Quantity): CurveSet {
  const finished = runs.filter((run) => run.finished);
  const counted = finished.length > 0 ? finished : runs;
  return {
    runs: runs.map((run) => curve(run, quantity)),
    mean: meanCurve(counted.map((run) => curve(run, quantity))),
  };
}
