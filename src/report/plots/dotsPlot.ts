import { bestOf } from "../runs/runRecord.js";
import { formatSpread } from "../runs/statistics.js";
import type { Summary } from "../runs/summarize.js";
import { type Drawing, draw, type Series } from "./draw.js";
import { type HoverPoint, hoverPoint, type ToPixel } from "./hover.js";
import { axisPart, gridPart, headingPart, NARROW, type Plot, whiskerSeries } from "./plotParts.js";
import { wrapped } from "./textWidth.js";
import { experimentInk, seriesColor, TONES } from "./theme.js";

const WIDTH = 1140;
const rowHeight = (lines: number) => Math.max(52, lines * 16 + 8);
const LABEL = { widest: 300, narrow: 120, size: 13 };

const TITLE = "Final test top-1 (%)";
const EXPLANATION = "Filled: last epoch, one dot per seed. Bar: mean ± sample standard deviation. Hollow: best epoch.";

/** An experiment, its label, its place in the report, and that of its first run. */
export type Placed = {
  readonly summary: Summary;
  readonly label: string;
  readonly index: number;
  readonly firstRun: number;
};

/** `of` is its experiment or run: e3, r12. */
type Dot = {
  readonly value: number;
  readonly row: number;
  readonly of: string;
  readonly tone: number;
  readonly text: string;
};

/** Dots below or above the row's middle, so that they do not hide each other; filled or hollow. */
type Look = { readonly filled: boolean; readonly offset: number };

const LAST: Look = { filled: true, offset: -9 };
const BEST: Look = { filled: false, offset: 9 };

/** The ECharts options: axis ranges for all dots, and the published figures. */
function diamonds(points: readonly Dot[], values: readonly number[]): Series[] {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return [
    {
      type: "custom",
      silent: true,
      renderItem: () => null,
      data: [
        [low, 0],
        [high, 0],
      ],
    },
    {
      type: "scatter",
      silent: true,
      symbol: "diamond",
      symbolSize: 9,
      z: 4,
      data: points.map(({ value, row }) => [value, row]),
      itemStyle: { color: TONES.surface.light, borderColor: TONES.ink.light, borderWidth: 1.5 },
    },
  ];
}

function dots(points: readonly Dot[], { filled, offset }: Look, toPixel: ToPixel): string {
  const circles = points.map(({ value, row, of, tone }) => {
    const [x, y] = toPixel(value, row);
    const color = seriesColor(tone);
    const fill = filled ? color : TONES.surface.light;
    return `<circle class="r ${of}" cx="${x.toFixed(1)}" cy="${(y + offset).toFixed(1)}" r="4.5" fill="${fill}" stroke="${color}"/>`;
  });
  return `<g stroke-width="1.5" fill-opacity="0.8" stroke-opacity="0.8">${circles.join("")}</g>`;
}

type Run = Summary["runs"][number];

const dotsOf = (
  placed: readonly Placed[],
  value: (run: Run) => number | undefined,
  text: (run: Run, value: string) => string,
): Dot[] =>
  placed.flatMap(({ summary: { runs, tone }, firstRun }, row) =>
    runs.flatMap((run, at) => {
      const found = run.finished ? value(run) : undefined;
      if (found === undefined) return [];
      return [{ value: found, row, of: `r${firstRun + at}`, tone, text: text(run, found.toFixed(2)) }];
    }),
  );

const lastOf = (placed: readonly Placed[]) =>
  dotsOf(
    placed,
    (run) => run.rows.at(-1)?.test.top1,
    ({ trial }, value) => `trial ${trial}, last epoch: ${value}`,
  );

const bestDots = (placed: readonly Placed[]) =>
  dotsOf(
    placed,
    (run) => bestOf(run)?.top1,
    (run, value) => `trial ${run.trial}, best epoch (${bestOf(run)?.epoch}): ${value}`,
  );

const publishedDots = (placed: readonly Placed[]): Dot[] =>
  placed.flatMap(({ summary: { published, tone }, index }, row) => {
    if (published === undefined) return [];
    const text = `published (${published.source}): ${published.top1.toFixed(2)}`;
    return [{ value: published.top1, row, of: `e${index}`, tone, text }];
  });

const told = (toPixel: ToPixel, points: readonly Dot[], offset: number): HoverPoint[] =>
  points.map(({ value, row, of, text }) => {
    const [x, y, ...rest] = hoverPoint(toPixel, [value, row], of, text);
    return [x, y + offset, ...rest];
  });

function drawDots(name: string, about: string, placed: readonly Placed[], width: number): Drawing {
  const [last, best, published] = [lastOf, bestDots, publishedDots].map((of) => of(placed)) as [Dot[], Dot[], Dot[]];
  const means = placed.flatMap(({ summary: { last: spread, tone }, index }, at) =>
    spread === undefined ? [] : [{ at, index, spread, color: experimentInk(index, tone) }],
  );
  const explanation = (about === "" ? "" : `${about}. `) + EXPLANATION + (published.length > 0 ? " ◇: published." : "");
  const heading = headingPart(TITLE, explanation, width);
  const widest = width === NARROW ? LABEL.narrow : LABEL.widest;
  const lines = placed.map(({ label }) => wrapped(label, widest, LABEL.size));
  const row = rowHeight(Math.max(...lines.map(({ length }) => length)));
  const values = [...last, ...best].map(({ value }) => value);
  return draw(
    name,
    "Final test accuracy of every run",
    { width, height: heading.height + 48 + row * placed.length },
    {
      title: heading.title,
      grid: gridPart(heading.height),
      xAxis: { type: "value", scale: true, ...axisPart() },
      yAxis: {
        type: "category",
        inverse: true,
        ...axisPart(),
        data: lines.map((each) => each.join("\n")),
        axisLabel: { color: TONES.ink.light, fontSize: LABEL.size, lineHeight: 16, interval: 0 },
      },
      series: [...diamonds(published, values), whiskerSeries(means, "x")],
    },
    (toPixel) => ({
      by: "point",
      points: [
        ...told(toPixel, last, LAST.offset),
        ...told(toPixel, best, BEST.offset),
        ...told(toPixel, published, 0),
        ...means.map(({ at, index, spread }) =>
          hoverPoint(toPixel, [spread.mean, at], `e${index}`, `mean: ${formatSpread(spread)}`),
        ),
      ],
    }),
    (toPixel) => dots(last, LAST, toPixel) + dots(best, BEST, toPixel),
  );
}

/** Draws the accuracies of finished runs, one row per experiment, the published figure beside them. */
export const dotsPlot = (name: string, about: string, placed: readonly Placed[]): Plot => ({
  kind: "final",
  name,
  title: TITLE,
  ...drawDots(name, about, placed, WIDTH),
  narrow: drawDots(`${name}_narrow`, about, placed, NARROW),
});
