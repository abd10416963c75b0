import { pairLabel } from "../runs/labels.js";
import type { Summary } from "../runs/summarize.js";
import { draw } from "./draw.js";
import { axisPart, type Plot, titlePart } from "./plotParts.js";
import { TONES } from "./theme.js";
import { whiskerSeries } from "./whisker.js";

/** Experiments that differ in one number only, in its order. */
export interface Ablation {
  readonly key: string;
  readonly summaries: readonly Summary[];
}

/** With fewer values than this a table says it all. */
const FEWEST_VALUES = 3;

const valuesOf = (summary: Summary): Record<string, unknown> => ({
  ...summary.settings,
  ...summary.weights,
});

const finished = (summary: Summary) => summary.last !== undefined;
const family = ({ teacher, model, method }: Summary) => JSON.stringify([teacher, model, method]);

function varyingKeys(summaries: readonly Summary[]): string[] {
  const keys = new Set(summaries.flatMap((summary) => Object.keys(valuesOf(summary))));
  const distinct = (key: string) =>
    new Set(summaries.map((summary) => JSON.stringify(valuesOf(summary)[key]))).size;
  return [...keys].filter((key) => distinct(key) > 1);
}

/** The one number in which all experiments of a pair and method differ, where there is such a one. */
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
export function findAblations(summaries: readonly Summary[]): Ablation[] {
  const families = new Map<string, Summary[]>();
  for (const summary of summaries.filter(finished)) {
    families.set(family(summary), [...(families.get(family(summary)) ?? []), summary]);
  }
  return [...families.values()].flatMap(ablationOf);
}

/**
 * Draws final accuracy over the number that was varied: a dot per seed, mean and deviation.
 * @param name of the plot
 * @param colorOf each experiment's colour in the other plots
 */
export function ablationPlot(
  { key, summaries }: Ablation,
  name: string,
  colorOf: (summary: Summary) => string,
): Plot {
  const [first] = summaries;
  const about = first === undefined ? "" : `${first.method}, ${pairLabel(first)}`;
  const title = `Final test top-1 (%) by ${key}`;
  const means = summaries.flatMap((summary, at) =>
    summary.last === undefined ? [] : [{ at, spread: summary.last, color: colorOf(summary) }],
  );
  const dots = summaries.flatMap((summary, at) =>
    summary.runs
      .filter((run) => run.finished)
      .map((run) => ({
        value: [at, run.rows.at(-1)?.test.top1 ?? Number.NaN],
        itemStyle: { color: colorOf(summary) },
      })),
  );
  const svg = draw(
    name,
    title,
    { width: 560, height: 320 },
    {
      title: titlePart(title, about),
      grid: { left: 56, right: 24, top: 64, bottom: 48 },
      xAxis: {
        type: "category",
        data: summaries.map((summary) => String(valuesOf(summary)[key])),
        nameLocation: "middle",
        nameGap: 28,
        ...axisPart(key),
        splitLine: { show: false },
      },
      yAxis: { type: "value", scale: true, ...axisPart() },
      series: [
        {
          type: "line",
          silent: true,
          data: means.map(({ at, spread }) => [at, spread.mean]),
          showSymbol: false,
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
  );
  return { kind: "ablation", name, title, svg };
}
