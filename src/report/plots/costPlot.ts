import { experimentLabels, pairLabel } from "../runs/labels.js";
import type { Summary } from "../runs/summarize.js";
import { draw, type Series } from "./draw.js";
import { axisPart, type Plot, titlePart } from "./plotParts.js";
import { TONES } from "./theme.js";

/** What a method gains and costs on one pair. */
export interface Costs {
  readonly pair: string;
  readonly summaries: readonly Summary[];
}

/** With fewer methods a table says it all. */
const FEWEST = 3;

/** The distillations of each pair that have a finished run, where there are enough methods for a picture. */
export function findCosts(summaries: readonly Summary[]): Costs[] {
  const told = summaries.filter(
    ({ kind, last, msPerStep = 0 }) => kind === "distill" && last !== undefined && msPerStep > 0,
  );
  const pairs = [...new Set(told.map(pairLabel))];
  return pairs
    .map((pair) => ({ pair, summaries: told.filter((summary) => pairLabel(summary) === pair) }))
    .filter((costs) => new Set(costs.summaries.map(({ method }) => method)).size >= FEWEST);
}

/** One point: its mean accuracy over its milliseconds, its name beside it. */
function point(summary: Summary, name: string, color: string) {
  return {
    value: [summary.msPerStep ?? 0, summary.last?.mean ?? Number.NaN],
    itemStyle: { color, borderColor: TONES.surface.light, borderWidth: 1 },
    label: { show: true, formatter: name, color: TONES.ink.light },
  };
}

/** What no other experiment of them beats in both: the upper left edge, from cheap to dear. */
export function edgeOf(summaries: readonly Summary[]): Summary[] {
  const ms = ({ msPerStep = 0 }: Summary) => msPerStep;
  const top1 = ({ last }: Summary) => last?.mean ?? Number.NaN;
  const edge: Summary[] = [];
  for (const summary of [...summaries].sort((a, b) => ms(a) - ms(b) || top1(b) - top1(a))) {
    if (edge.every((cheaper) => top1(cheaper) < top1(summary))) edge.push(summary);
  }
  return edge;
}

/**
 * Draws accuracy over the time of a step, one point per experiment of a pair; a line joins those that none beats in both.
 * @param name of the plot
 * @param colorOf each experiment's colour in the other plots
 */
export function costPlot(
  { pair, summaries }: Costs,
  name: string,
  colorOf: (summary: Summary) => string,
): Plot {
  const title = "Final test top-1 (%) over milliseconds per step";
  const edge: Series = {
    type: "line",
    silent: true,
    showSymbol: false,
    lineStyle: { color: TONES.muted.light, width: 1.5, type: "dashed" },
    data: edgeOf(summaries).map(({ msPerStep, last }) => [
      msPerStep ?? 0,
      last?.mean ?? Number.NaN,
    ]),
  };
  const labels = experimentLabels(summaries);
  const points: Series = {
    type: "scatter",
    silent: true,
    symbolSize: 9,
    data: summaries.map((summary, index) => point(summary, labels[index] ?? "", colorOf(summary))),
    // Below the line that joins the best, which rises to the right.
    label: { position: "right", offset: [0, 6], fontSize: 12 },
    labelLayout: { moveOverlap: "shiftY" },
  };
  const explanation = `${pair}, as timed where the runs ran. Dashed: what nothing else beats in both.`;
  const svg = draw(
    name,
    title,
    { width: 1140, height: 460 },
    {
      title: titlePart(title, explanation),
      grid: { left: 64, right: 120, top: 68, bottom: 48 },
      xAxis: {
        ...{ type: "value", scale: true, nameLocation: "middle", nameGap: 28 },
        ...axisPart("ms per step"),
      },
      yAxis: { type: "value", scale: true, ...axisPart() },
      series: [edge, points],
    },
  );
  return { kind: "cost", name, title, svg };
}
