import { grouped } from "../../common/text.js";
import { experimentLabels, pairLabel } from "../runs/labels.js";
import { sharedOf } from "../runs/ranking.js";
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

/** Images per second of training; undefined where no run tells its batch size. */
export function speedOf({ msPerStep = 0, settings }: Summary): number | undefined {
  const batch = settings.batch_size;
  return msPerStep > 0 && typeof batch === "number" ? (1000 * batch) / msPerStep : undefined;
}

/** What experiments must share: all that ranks must, and the machine. */
const alike = (summary: Summary) => JSON.stringify([sharedOf(summary), summary.runs[0]?.config.device ?? null]);

/** The distillations with a finished run of each pair, alike, that has enough methods for a plot. */
export function findCosts(summaries: readonly Summary[]): Costs[] {
  const told = summaries.filter(
    (summary) => summary.kind === "distill" && summary.last !== undefined && speedOf(summary) !== undefined,
  );
  return [...grouped(told, alike).values()]
    .map((those) => ({ pair: pairLabel(those[0] as Summary), summaries: those }))
    .filter((costs) => new Set(costs.summaries.map(({ method }) => method)).size >= FEWEST);
}

type Place = (summary: Summary) => number;

const placeOf = (summary: Summary): [number, number] => [speedOf(summary) ?? 0, summary.last?.mean ?? Number.NaN];

function point(summary: Summary, name: string, color: string) {
  return {
    value: placeOf(summary),
    itemStyle: { color, borderColor: TONES.surface.light, borderWidth: 1 },
    label: { show: true, formatter: name, color: TONES.ink.light },
  };
}

/** The Pareto front, from fast to slow. */
export function edgeOf(summaries: readonly Summary[]): Summary[] {
  const speed = (summary: Summary) => speedOf(summary) ?? 0;
  const top1 = ({ last }: Summary) => last?.mean ?? Number.NaN;
  const edge: Summary[] = [];
  for (const summary of [...summaries].sort((a, b) => speed(b) - speed(a) || top1(b) - top1(a))) {
    if (edge.every((faster) => top1(faster) < top1(summary))) edge.push(summary);
  }
  return edge;
}

const WIDTH = 1140;
const HEIGHT = { wide: 390, narrow: 300 };
const LABEL = { size: 12, widest: 220 };
const TITLE = "Final test top-1 (%) over training speed";

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
  data: summaries.map((summary, at) => point(summary, names[at] ?? "", experimentInk(indexOf(summary), summary.tone))),
  // Above the line that joins the best, which falls to the right.
  label: { position: "right", offset: [0, -9], fontSize: LABEL.size },
  labelLayout: { moveOverlap: "shiftY" },
});

const told = (summary: Summary, toPixel: ToPixel, index: number): HoverPoint => {
  const text = `${formatSpread(summary.last)} at ${speedOf(summary)?.toFixed(0)} images per second`;
  return hoverPoint(toPixel, placeOf(summary), `e${index}`, text);
};

/** With more experiments only those of the Pareto front have names. */
const MOST_NAMED = 24;

/** Names stand beside their points where there is room; where not, numbers, and a key below the heading. */
function namesOf(summaries: readonly Summary[], width: number) {
  const edge = new Set(edgeOf(summaries));
  const isNamed = (summary: Summary) => summaries.length <= MOST_NAMED || edge.has(summary);
  const labels = experimentLabels(summaries).map((label, at) => (isNamed(summaries[at] as Summary) ? label : ""));
  if (width !== NARROW) {
    return { names: labels.map((text) => wrapped(text, LABEL.widest, LABEL.size).join("\n")) };
  }
  const numbered = labels.filter((label) => label !== "");
  const names = labels.map((label) => (label === "" ? "" : String(1 + numbered.indexOf(label))));
  return { names, key: ` ${numbered.map((label, at) => `${at + 1}: ${label}`).join("; ")}.` };
}

function drawCosts(name: string, { pair, summaries }: Costs, indexOf: Place, width: number): Drawing {
  const { names, key = "" } = namesOf(summaries, width);
  const explanation = `${pair}, on the machine of the runs. Dashed: the Pareto front.`;
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
      xAxis: { type: "value", scale: true, ...axisPart("images per second") },
      yAxis: { type: "value", scale: true, ...axisPart() },
      series: [edgeSeries(summaries), pointSeries(summaries, names, indexOf)],
    },
    (toPixel) => ({ by: "point", points: summaries.map((summary) => told(summary, toPixel, indexOf(summary))) }),
  );
}

/** Accuracy over training speed, a point per experiment of a pair, and the Pareto front; `indexOf` is the report's place. */
export const costPlot = (costs: Costs, name: string, indexOf: Place): Plot => ({
  kind: "cost",
  name,
  title: TITLE,
  ...drawCosts(name, costs, indexOf, WIDTH),
  narrow: drawCosts(`${name}_narrow`, costs, indexOf, NARROW),
});
