import { groupBy } from "../runs/grouping.js";
import { pairLabel } from "../runs/labels.js";
import { formatSpread } from "../runs/statistics.js";
import type { Summary } from "../runs/summarize.js";
import { draw } from "./draw.js";
import { hoverPoint } from "./hover.js";
import { axisPart, gridPart, headingPart, type Plot, whiskerSeries } from "./plotParts.js";
import { experimentInk, runInk, TONES } from "./theme.js";

/** Experiments that differ in one number only, in its order. */
export type Ablation = { readonly key: string; readonly summaries: readonly Summary[] };

/** With fewer values than this a table says it all. */
const FEWEST_VALUES = 3;

const valuesOf = (summary: Summary): Record<string, unknown> => ({ ...summary.settings, ...summary.weights });

function varyingKeys(summaries: readonly Summary[]): string[] {
  const keys = new Set(summaries.flatMap((summary) => Object.keys(valuesOf(summary))));
  const distinct = (key: string) => new Set(summaries.map((summary) => JSON.stringify(valuesOf(summary)[key]))).size;
  return [...keys].filter((key) => distinct(key) > 1);
}

function ablationOf(summaries: readonly Summary[]): Ablation[] {
  const keys = varyingKeys(summaries);
  const [key] = keys;
  if (key === undefined || keys.length > 1 || summaries.length < FEWEST_VALUES) return [];
  const value = (summary: Summary) => valuesOf(summary)[key];
  if (!summaries.every((summary) => typeof value(summary) === "number")) return [];
  const order = (a: Summary, b: Summary) => Number(value(a)) - Number(value(b));
  return [{ key, summaries: [...summaries].sort(order) }];
}

/** All series of experiments that differ in one number, such as --num_proj 0,1,2,3,4 of a sweep. */
export const findAblations = (summaries: readonly Summary[]): Ablation[] =>
  groupBy(
    summaries.filter(({ last }) => last !== undefined),
    ({ teacher, model, method }) => [teacher, model, method],
  ).flatMap(ablationOf);

/** Position of an experiment and of its first run in the report. */
export type ReportPosition = { readonly index: number; readonly firstRun: number };

const WIDTH = 460;
const HEIGHT = 270;

/** Final accuracy over the varied number: a dot per seed, mean and deviation. `position` is that in the report. */
export function ablationPlot(
  { key, summaries }: Ablation,
  name: string,
  position: (summary: Summary) => ReportPosition,
): Plot {
  const [first] = summaries;
  const about = first === undefined ? "" : `${first.method}, ${pairLabel(first)}`;
  const title = `Final test top-1 (%) by ${key}`;
  const heading = headingPart(title, about, WIDTH);
  const means = summaries.flatMap((summary, at) =>
    summary.last === undefined
      ? []
      : [{ at, spread: summary.last, color: experimentInk(position(summary).index, summary.tone) }],
  );
  const dots = summaries.flatMap((summary, at) => {
    const { firstRun } = position(summary);
    return summary.runs.flatMap((run, place) =>
      run.finished
        ? [
            {
              value: [at, run.rows.at(-1)?.test.top1 ?? Number.NaN],
              itemStyle: { color: runInk(firstRun + place, summary.tone) },
            },
          ]
        : [],
    );
  });
  const settingOf = (summary: Summary) => `${key} ${valuesOf(summary)[key]}`;
  const drawing = draw(
    name,
    title,
    { width: WIDTH, height: heading.height + HEIGHT },
    {
      title: heading.title,
      grid: gridPart(heading.height),
      xAxis: {
        type: "category",
        data: summaries.map((summary) => String(valuesOf(summary)[key])),
        ...axisPart(key),
        splitLine: { show: false },
      },
      yAxis: { type: "value", scale: true, ...axisPart() },
      series: [
        {
          type: "line",
          silent: true,
          showSymbol: false,
          data: means.map(({ at, spread }) => [at, spread.mean]),
          lineStyle: { color: TONES.muted.light, width: 1.5 },
        },
        whiskerSeries(means, "y"),
        {
          type: "scatter",
          silent: true,
          symbolSize: 8,
          // Beside the bar, so that neither hides the other.
          symbolOffset: [22, 0],
          data: dots,
          itemStyle: { borderColor: TONES.surface.light, borderWidth: 1 },
        },
      ],
    },
    (toPixel) => ({
      by: "point",
      points: summaries.map((summary, at) => {
        const text = `${settingOf(summary)}: ${formatSpread(summary.last)}`;
        const place = [at, summary.last?.mean ?? Number.NaN] as const;
        return hoverPoint(toPixel, place, `e${position(summary).index}`, text);
      }),
    }),
  );
  return { kind: "ablation", name, title, ...drawing };
}
