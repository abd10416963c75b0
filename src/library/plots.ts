import type { Plot } from "../report/plots/plotParts.js";
import { drawPlots } from "../report/plots/plots.js";
import { experimentLabels } from "../report/runs/labels.js";
import type { RunRecord } from "../report/runs/runRecord.js";
import { summarize } from "../report/runs/summarize.js";

/** See plotRuns in index.ts. */
export function plotRuns(runs: readonly RunRecord[]): Plot[] {
  const summaries = summarize(runs, () => undefined);
  return drawPlots(summaries, experimentLabels(summaries), { legend: true });
}
