import { grouped } from "../../common/text.js";
import { experimentLabels, pairLabel } from "../runs/labels.js";
import { formatSpread } from "../runs/statistics.js";
import type { Summary } from "../runs/summarize.js";
import { type Drawing, draw, type Series } from "./draw.js";
import { type HoverPoint, hoverPoint, type ToPixel } from "./hover.js";
import { axisPart, gridPart, headingPart, NARROW, type Plot } from "./plotParts.js";
import { textWidth, wrapped } from "./textWidth.js";
import { experimentInk, TONES } from "./theme.js";

export type Costs = { readonly pair: string; readonly summaries: readonly Summary[] };

/** With fewer methods a table says it all. */
const FEWEST = 3;

/** The distillations with a finished run of each pair that has enough methods for a plot. */
export function findCosts(summaries: readonly Summary[]): Costs[] {
  const told = summaries.filter(
    ({ kind, last, msPerStep = 0 }) => kind === "distill" && last !== undefined && msPerStep > 0,
  );
  return [...grouped(told, pairLabel)]
    .map(([pair, those]) => ({ pair, summaries: those }))
    .filter((costs) => new Set(costs.summaries.map(({ method }) => method)).size >= FEWEST);
}

type Place = (summary: Summary) => number;

const placeOf = ({ msPerStep, last }: Summary): [number, number] => [msPerStep ?? 0, last?.mean ?? Number.NaN];

function point(summary: Summary, name: string, color: string) {
  return {
    value: placeOf(summary),
    itemStyle: { color, borderColor: TONES.surface.light, borderWidth: 1 },
    label: { show: true, formatter: name, color: TONES.ink.light },
  };
}

/** The Pareto front, from cheap to expensive. */
export function edgeOf(summaries: readonly Summary[]): Summary[] {
  const ms = ({ msPerStep = 0 }: Summary) => msPerStep;
  const top1 = ({ last }: Summary) => last?.mean ?? Number.NaN;
  const edge: Summary[] = [];
  for (const summary of [...summaries].sort((a, b) => ms(a) - ms(b) || top1(b) - top1(a))) {
    if (edge.every((cheaper) => top1(cheaper) < top1(summary))) edge.push(summary);
  }
  return edge;
}

const WIDTH = 1140;
const HEIGHT = { wide: 390, narrow: 300 };
const LABEL = { size: 12, widest: 220 };
const TITLE = "Final test top-1 (%) over milliseconds per step";

const edgeSeries = (summaries: readonly Summary[]): Series => ({
  type: "line",
  silent: true,
  showSymbol: false,
  lineStyle: { color: TONES.muted.light, width: 1.5, type: "dashed" },
  data: edgeOf(summaries).map(placeOf),
});

const pointSeries = (summaries: readonly Summary[], names: readonly string[], indexOf: Place): Series => ({
  type: "scatter",
  silent: true,
  symbolSize: 9,
  data: summaries.map((summary, at) => point(summary, names[at] ?? "", experimentInk(indexOf(summary)))),
  // Below the line that joins the best, which rises to the right.
  label: { position: "right", offset: [0, 6], fontSize: LABEL.size },
  labelLayout: { moveOverlap: "shiftY" },
});

const told = (summary: Summary, toPixel: ToPixel, index: number): HoverPoint => {
  const ms = summary.msPerStep?.toFixed(1);
  const text = `${formatSpread(summary.last)} at ${ms} ms per step`;
  return hoverPoint(toPixel, placeOf(summary), `e${index}`, text);
};

/** Names stand beside their points where there is room; where not, numbers, and a key below the heading. */
function namesOf(summaries: readonly Summary[], width: number) {
  const labels = experimentLabels(summaries);
  if (width !== NARROW) {
    return { names: labels.map((text) => wrapped(text, LABEL.widest, LABEL.size).join("\n")) };
  }
  const names = labels.map((_, at) => String(at + 1));
  return { names, key: ` ${labels.map((label, at) => `${at + 1}: ${label}`).join("; ")}.` };
}

function drawCosts(name: string, { pair, summaries }: Costs, indexOf: Place, width: number): Drawing {
  const { names, key = "" } = namesOf(summaries, width);
  const explanation = `${pair}, measured where the runs ran. Dashed: the Pareto front.`;
  const heading = headingPart(TITLE, explanation + key, width);
  const lines = names.flatMap((text) => text.split("\n"));
  const room = Math.max(...lines.map((text) => textWidth(text, LABEL.size)));
  const height = heading.height + (width === NARROW ? HEIGHT.narrow : HEIGHT.wide);
  return draw(
    name,
    TITLE,
    { width, height },
    {
      title: heading.title,
      grid: gridPart(heading.height, Math.ceil(room) + 16),
      xAxis: { type: "value", scale: true, ...axisPart("ms per step") },
      yAxis: { type: "value", scale: true, ...axisPart() },
      series: [edgeSeries(summaries), pointSeries(summaries, names, indexOf)],
    },
    (toPixel) => ({ by: "point", points: summaries.map((summary) => told(summary, toPixel, indexOf(summary))) }),
  );
}

/** Accuracy over step time, a point per experiment of a pair, and the Pareto front; `indexOf` is the report's place. */
export const costPlot = (costs: Costs, name: string, indexOf: Place): Plot => ({
  kind: "cost",
  name,
  title: TITLE,
  ...drawCosts(name, costs, indexOf, WIDTH),
  narrow: drawCosts(`${name}_narrow`, costs, indexOf, NARROW),
});
