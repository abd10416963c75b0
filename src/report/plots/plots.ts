import { grouped } from "../../common/text.js";
import { experimentLabels, pairLabel } from "../runs/labels.js";
import type { Summary } from "../runs/summarize.js";
import { ablationPlot, findAblations } from "./ablation.js";
import { costPlot, findCosts } from "./costPlot.js";
import { curvePlot } from "./curvePlot.js";
import { dotsPlot, type Placed } from "./dotsPlot.js";
import { QUANTITIES, termQuantities } from "./plotData.js";
import type { Plot, PlotStyle } from "./plotParts.js";

/** Epochs from which on a part of a curve is worth a plot of its own. */
const ENOUGH_FOR_A_PART = 20;

/** An option's name, which may be anything in a run's config.json, as a part of a file name. */
const wordOf = (key: string) => key.replace(/\W/g, "_").slice(0, 40);

/** Labels of only what distinguishes experiments of one pair. */
function labelledAlone(placed: readonly Placed[]): Placed[] {
  const labels = experimentLabels(placed.map(({ summary }) => summary));
  return placed.map((one, at) => ({ ...one, label: labels[at] ?? "" }));
}

/** Every plot of a report: accuracies, cost, ablations, learning curves, loss terms. `labels` has one per summary. */
export function drawPlots(summaries: readonly Summary[], labels: readonly string[], style: PlotStyle): Plot[] {
  const indexOf = (summary: Summary) => summaries.indexOf(summary);
  const standing = (summary: Summary) => ({
    index: indexOf(summary),
    firstRun: summaries.slice(0, indexOf(summary)).reduce((sum, { runs }) => sum + runs.length, 0),
  });
  const placed = summaries.map((summary, at) => ({ summary, label: labels[at] ?? "", ...standing(summary) }));
  const pairs = [
    ...grouped(
      placed.filter(({ summary }) => summary.last !== undefined),
      ({ summary }) => pairLabel(summary),
    ),
  ];
  const finals = pairs.map(([pair, those], at) =>
    dotsPlot(
      at === 0 ? "final_top1" : `final_top1_${at + 1}`,
      pairs.length > 1 ? pair : "",
      pairs.length > 1 ? labelledAlone(those) : those,
    ),
  );
  const ablations = findAblations(summaries).map((ablation, index) =>
    ablationPlot(ablation, `ablation_${wordOf(ablation.key)}_${index + 1}`, standing),
  );
  const costs = findCosts(summaries).map((found, index) => costPlot(found, `cost_${index + 1}`, indexOf));
  const epochs = summaries.flatMap(({ runs }) => runs).reduce((most, run) => Math.max(most, run.rows.length), 0);
  const quantities = QUANTITIES.filter(({ after }) => after === undefined || epochs >= ENOUGH_FOR_A_PART);
  // A curve of one epoch is a dot that tables tell as well.
  const curves = (epochs < 2 ? [] : [...quantities, ...termQuantities(summaries)]).map((quantity) =>
    curvePlot(summaries, labels, quantity, style),
  );
  return [...finals, ...costs, ...ablations, ...curves];
}
