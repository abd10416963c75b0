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

type Dot = { readonly value: number; readonly row: number; readonly run: number; readonly text: string };

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
  const circles = points.map(({ value, row, run }) => {
    const [x, y] = toPixel(value, row);
    const color = seriesColor(row);
    const fill = filled ? color : TONES.surface.light;
    return `<circle class="r r${run}" cx="${x.toFixed(1)}" cy="${(y + offset).toFixed(1)}" r="4.5" fill="${fill}" stroke="${color}"/>`;
  });
  return `<g stroke-width="1.5" fill-opacity="0.8" stroke-opacity="0.8">${circles.join("")}</g>`;
}

type Run = Summary["runs"][number];

function dotsOf(
  summaries: readonly Summary[],
  value: (run: Run) => number | undefined,
  text: (run: Run, value: string) => string,
): Dot[] {
  let place = 0;
  return summaries.flatMap(({ runs }, row) =>
    runs.flatMap((trial) => {
      const [run, found] = [place++, trial.finished ? value(trial) : undefined];
      if (found === undefined) return [];
      return [{ value: found, row, run, text: text(trial, found.toFixed(2)) }];
    }),
  );
}

const lastOf = (summaries: readonly Summary[]) =>
  dotsOf(
    summaries,
    (run) => run.rows.at(-1)?.test.top1,
    ({ trial }, value) => `trial ${trial}, last epoch: ${value}`,
  );

const bestDots = (summaries: readonly Summary[]) =>
  dotsOf(
    summaries,
    (run) => bestOf(run)?.top1,
    (run, value) => `trial ${run.trial}, best epoch (${bestOf(run)?.epoch}): ${value}`,
  );

const publishedDots = (summaries: readonly Summary[]): Dot[] =>
  summaries.flatMap(({ published }, row) => {
    if (published === undefined) return [];
    const text = `published (${published.source}): ${published.top1.toFixed(2)}`;
    return [{ value: published.top1, row, run: -1, text }];
  });

const told = (toPixel: ToPixel, points: readonly Dot[], offset: number): HoverPoint[] =>
  points.map(({ value, row, run, text }) => {
    const of = run < 0 ? `e${row}` : `r${run}`;
    const [x, y, ...rest] = hoverPoint(toPixel, [value, row], of, text);
    return [x, y + offset, ...rest];
  });

function drawDots(name: string, summaries: readonly Summary[], labels: readonly string[], width: number): Drawing {
  const [last, best, published] = [lastOf, bestDots, publishedDots].map((of) => of(summaries)) as [Dot[], Dot[], Dot[]];
  const means = summaries.flatMap(({ last: spread }, at) =>
    spread === undefined ? [] : [{ at, spread, color: experimentInk(at) }],
  );
  const explanation = EXPLANATION + (published.length > 0 ? " ◇: published." : "");
  const heading = headingPart(TITLE, explanation, width);
  const widest = width === NARROW ? LABEL.narrow : LABEL.widest;
  const lines = labels.map((label) => wrapped(label, widest, LABEL.size));
  const row = rowHeight(Math.max(...lines.map(({ length }) => length)));
  const values = [...last, ...best].map(({ value }) => value);
  return draw(
    name,
    "Final test accuracy of every run",
    { width, height: heading.height + 48 + row * summaries.length },
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
        ...means.map(({ at, spread }) =>
          hoverPoint(toPixel, [spread.mean, at], `e${at}`, `mean: ${formatSpread(spread)}`),
        ),
      ],
    }),
    (toPixel) => dots(last, LAST, toPixel) + dots(best, BEST, toPixel),
  );
}

/** Draws the accuracies of all finished runs, one row per experiment, the published figure beside them. */
export function dotsPlot(summaries: readonly Summary[], labels: readonly string[]): Plot {
  const name = "final_top1";
  return {
    kind: "final",
    name,
    title: TITLE,
    ...drawDots(name, summaries, labels, WIDTH),
    narrow: drawDots(`${name}_narrow`, summaries, labels, NARROW),
  };
}
