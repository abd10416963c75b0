import type { Summary } from "../runs/summarize.js";
import { draw, type Series } from "./draw.js";
import { type HoverCurve, hoverCurve, hoverCurves, type ToPixel } from "./hover.js";
import {
  type BandPoint,
  type CurveSet,
  curveSet,
  isThinned,
  type Point,
  type Quantity,
  spansOf,
  thinned,
  toldEpochs,
} from "./plotData.js";
import { axisPart, gridPart, headingPart, legendPart, type Plot, type PlotStyle } from "./plotParts.js";
import { experimentInk, seriesColor } from "./theme.js";

/** Of the axes, without headings and keys; legible on a phone. */
const CURVE_WIDTH = 460;
const HEIGHT = 270;

interface Member {
  readonly label: string;
  readonly index: number;
  readonly tone: number;
  readonly firstRun: number;
  /** Thin lines: each of several runs. */
  readonly runs: readonly (readonly Point[])[];
  /** The thick line: the mean, or the single run. */
  readonly line: readonly Point[];
  /** One sample deviation above the mean, and below it; empty of a single run. */
  readonly band: readonly (readonly Point[])[];
  /** Tooltips of the mean, and of each of several runs. */
  readonly told: readonly HoverCurve[];
}

function drawnOf({ runs, mean }: CurveSet, spans: number, logarithmic: boolean) {
  const thin = (points: readonly Point[]) => thinned(points, spans);
  // The learning rate is the same in all runs.
  if (logarithmic) {
    const positive = (runs[0] ?? []).filter(([, value]) => value > 0);
    return { runs: [], line: thin(positive), band: [] };
  }
  const along = (value: (at: BandPoint) => number) => thin(mean.map((at): Point => [at.epoch, value(at)]));
  const line = along((at) => at.mean);
  if (runs.length < 2) return { runs: [], line, band: [] };
  const band = mean.length < 2 ? [] : [along((at) => at.high), along((at) => at.low)];
  return { runs: runs.map(thin), line, band };
}

function toldOf(
  { runs, mean }: CurveSet,
  index: number,
  firstRun: number,
  places: ReadonlyMap<number, number>,
): HoverCurve[] {
  const means = mean.map((at): Point => [at.epoch, at.mean]);
  if (runs.length < 2) return [hoverCurve(`e${index}`, places, means)];
  const stds = mean.map((at) => at.high - at.mean);
  return [
    hoverCurve(`e${index}`, places, means, stds),
    ...runs.map((run, at) => hoverCurve(`r${firstRun + at}`, places, run)),
  ];
}

/** The experiments that have values of a quantity. Whole curves are in memory for one experiment at a time. */
function membersOf(
  summaries: readonly Summary[],
  labels: readonly string[],
  quantity: Quantity,
  spans: number,
  places: ReadonlyMap<number, number>,
): Member[] {
  let next = 0;
  return summaries.flatMap((summary, index): Member[] => {
    const [firstRun, curves] = [next, curveSet(summary, quantity)];
    next += summary.runs.length;
    if (curves.runs.every((run) => run.length === 0)) return [];
    const drawn = drawnOf(curves, spans, quantity.logarithmic === true);
    const told = toldOf(curves, index, firstRun, places);
    return [{ label: labels[index] ?? "", index, tone: summary.tone, firstRun, ...drawn, told }];
  });
}

/** The least and the greatest epoch and value that are drawn, for which the axes make room. */
function corners(members: readonly Member[]): [Point, Point] | undefined {
  let [left, right, low, high] = [Infinity, -Infinity, Infinity, -Infinity];
  for (const { runs, line, band } of members) {
    for (const points of [...runs, line, ...band]) {
      for (const [x, y] of points) {
        [left, right] = [Math.min(left, x), Math.max(right, x)];
        [low, high] = [Math.min(low, y), Math.max(high, y)];
      }
    }
  }
  if (left > right) return undefined;
  return [
    [left, low],
    [right, high],
  ];
}

/** From the axes' coordinates to tenths of pixels, without asking ECharts for each of many points. */
function fastPixels([[left, low], [right, high]]: [Point, Point], toPixel: ToPixel, log: boolean) {
  const scaled = (value: number) => (log ? Math.log10(value) : value);
  const [[x, y], [x2, y2]] = [toPixel(left, low), toPixel(right, high)];
  const across = (x2 - x) / (right - left || 1);
  const up = (y2 - y) / (scaled(high) - scaled(low) || 1);
  const tenth = (value: number) => Math.round(value * 10) / 10;
  return ([epoch, value]: Point): readonly [number, number] => [
    tenth(x + (epoch - left) * across),
    tenth(y + (scaled(value) - scaled(low)) * up),
  ];
}

/** Runs thin, their mean thick with its deviation band; learning rates as steps. */
function strokesOf(
  members: readonly Member[],
  toPixel: (point: Point) => readonly [number, number],
  steps: boolean,
): string {
  const through = (points: readonly Point[]) => points.map((at) => toPixel(at).join(" "));
  const stairs = (points: readonly Point[]) =>
    points.map(toPixel).map(([x, y], at) => (at === 0 ? `${x} ${y}` : `H${x}V${y}`));
  const line = (of: string, points: readonly Point[], color = "") => {
    const [only] = points;
    if (only === undefined) return "";
    if (points.length > 1) {
      const d = steps ? stairs(points).join("") : through(points).join("L");
      return `<path class="${of}" d="M${d}"${color && ` stroke="${color}"`}/>`;
    }
    // A curve of one epoch would be invisible without its point.
    const [x, y] = toPixel(only);
    return `<circle class="${of}" cx="${x}" cy="${y}" r="2"${color && ` stroke="${color}"`}/>`;
  };
  const areas = members.map(({ index, tone, band: [upper = [], lower = []] }) => {
    const edge = through([...upper, ...[...lower].reverse()]).join("L");
    return edge && `<path class="e e${index}" d="M${edge}Z" fill="${seriesColor(tone)}"/>`;
  });
  const thin = members.map(({ tone, firstRun, runs }) => {
    const lines = runs.map((run, at) => line(`r r${firstRun + at}`, run)).join("");
    return lines && `<g stroke="${seriesColor(tone)}">${lines}</g>`;
  });
  const thick = members.map(({ index, tone, line: points }) => line(`e e${index}`, points, seriesColor(tone)));
  const join = 'fill="none" stroke-linejoin="bevel"';
  return [
    `<g fill-opacity="0.16">${areas.join("")}</g>`,
    `<g ${join} stroke-opacity="0.35">${thin.join("")}</g>`,
    `<g ${join} stroke-width="2">${thick.join("")}</g>`,
  ].join("");
}

/** 0.01, 0.001, 1e-4: powers of ten come out of a logarithm as 0.0000999999. */
const powerOfTen = (value: number) => (value < 0.0005 ? value.toExponential(0) : String(Number(value.toPrecision(3))));

/** The page's note on downsampled curves, if any. */
export function thinningNote(summaries: readonly Summary[]): string {
  const spans = spansOf(summaries, CURVE_WIDTH);
  const longest = summaries.flatMap(({ runs }) => runs.map(({ rows }) => rows.length));
  if (!longest.some((points) => isThinned(points, spans))) return "";
  return `Curves are downsampled to the minimum and maximum of ${spans} intervals, plus the first and last epoch. Tables use all epochs, which are in each run's epochs.csv.`;
}

/** Draws a quantity over epochs; ECharts draws only the axes, so its work does not grow with the number of runs. */
export function curvePlot(
  summaries: readonly Summary[],
  labels: readonly string[],
  quantity: Quantity,
  style: PlotStyle,
): Plot {
  const { name, title, unit, logarithmic = false, kind = "curve" } = quantity;
  const spans = spansOf(summaries, CURVE_WIDTH);
  const epochs = toldEpochs(summaries, quantity, spans);
  const places = new Map(epochs.map((epoch, place) => [epoch, place]));
  const members = membersOf(summaries, labels, quantity, spans, places);
  const heading = headingPart(unit === "" ? title : `${title} (${unit})`, "", CURVE_WIDTH);
  const names = style.legend ? members.map(({ label }) => label) : [];
  const inkOf = (at: number) => experimentInk(members[at]?.index ?? 0, members[at]?.tone ?? 0);
  const key = legendPart(names, CURVE_WIDTH, heading.height - 8, inkOf);
  const top = heading.height + key.height;
  const ends = corners(members);
  // The key shows only names of series.
  const series = [undefined, ...names].map(
    (of): Series => ({
      type: "custom",
      silent: true,
      renderItem: () => null,
      ...(of === undefined ? { data: (ends ?? []).map((end) => [...end]) } : { name: of, data: [] }),
    }),
  );
  const drawing = draw(
    name,
    `${title} over epochs`,
    { width: CURVE_WIDTH, height: top + HEIGHT },
    {
      title: heading.title,
      legend: key.legends,
      grid: gridPart(top),
      xAxis: {
        type: "value",
        min: "dataMin",
        max: "dataMax",
        minInterval: 1,
        ...axisPart("epoch"),
        splitLine: { show: false },
      },
      yAxis: logarithmic
        ? { type: "log", ...axisPart(), axisLabel: { ...axisPart().axisLabel, formatter: powerOfTen } }
        : { type: "value", scale: true, ...axisPart() },
      series,
    },
    (toPixel) =>
      hoverCurves(
        toPixel,
        places,
        ends?.[0][1] ?? 1,
        members.flatMap(({ told }) => told),
      ),
    (toPixel) => (ends === undefined ? "" : strokesOf(members, fastPixels(ends, toPixel, logarithmic), logarithmic)),
  );
  return { kind, name, title, ...drawing };
}
