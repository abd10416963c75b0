import { counted } from "../../common/text/counted.js";
import { chip, escapeHtml } from "../plots/html.js";
import type { Plot } from "../plots/plotParts.js";
import { drawPlots } from "../plots/plots.js";
import type { Collection } from "../runs/collect.js";
import { experimentLabels, pairLabel } from "../runs/labels.js";
import type { Summary } from "../runs/summarize.js";
import { summaryNotes } from "../summaryNotes.js";
import { runTable, summaryTable, unfinishedNotes } from "../summaryTable.js";
import type { Table } from "../table.js";
import { configurations } from "./configurations.js";
import { pageStyle } from "./pageStyle.js";

/** A table; `marks` stand before the first cell of their rows. */
function htmlTable({ columns, rows }: Table, marks: readonly string[] = []): string {
  const cell = (tag: "th" | "td", text: string, index: number, mark = "") => {
    const attribute = columns[index]?.align === "right" ? ' class="number"' : "";
    return `<${tag}${attribute}>${mark}${escapeHtml(text)}</${tag}>`;
  };
  const head = columns.map(({ title }, index) => cell("th", title, index)).join("");
  const body = rows.map((row, line) => {
    const cells = row.map((text, index) => cell("td", text, index, index === 0 ? marks[line] : ""));
    return `<tr>${cells.join("")}</tr>`;
  });
  return `<div class="wide"><table><thead><tr>${head}</tr></thead><tbody>
${body.join("\n")}
</tbody></table></div>`;
}

const figure = (attribute: string) => (plot: Plot) => `<figure${attribute}>${plot.svg}</figure>`;

function plotSection(plots: readonly Plot[], labels: readonly string[]): string {
  const items = labels.map((label, index) => `<li>${chip(index)}${escapeHtml(label)}</li>`);
  const figures = (kind: Plot["kind"], attribute = "") =>
    plots
      .filter((plot) => plot.kind === kind)
      .map(figure(attribute))
      .join("\n");
  const ablations = figures("ablation");
  return `${figures("final", ' class="full"')}
${figures("cost", ' class="full"')}
${ablations === "" ? "" : `<div class="plots">\n${ablations}\n</div>`}
<h2>Learning curves</h2>
<p class="muted">Thin: each run. Thick: their mean. Band: one sample standard deviation.</p>
<ul class="legend">${items.join("")}</ul>
<div class="plots">
${figures("curve")}
</div>`;
}

/** What the page is about: the one pair, or how many there are. */
function heading(summaries: readonly Summary[]): string {
  const pairs = new Set(summaries.filter(({ kind }) => kind === "distill").map(pairLabel));
  const [only] = pairs;
  if (pairs.size === 1 && only !== undefined) return `Distillation ${only}`;
  if (pairs.size === 0) return "Teachers";
  return `Distillation of ${counted(pairs.size, "pair")}`;
}

/** Accuracy is explained once, so that nobody takes it for another figure. */
const EXPLANATION =
  "Top-1 in percent on the test images: after the last epoch, and of each run's best epoch; mean ± sample standard deviation over trials.";

function notes(summaries: readonly Summary[], { runs, problems }: Collection): string {
  const lines = [...summaryNotes(summaries), ...unfinishedNotes(runs), ...problems];
  return lines.map((line) => `<p class="muted">${escapeHtml(line)}</p>`).join("\n");
}

/**
 * The report as one HTML page that needs nothing else: no script, no network (its own policy forbids both), plots
 * as inline SVG, light or dark as the reader prefers.
 * @param made when the page is made
 */
export function htmlPage(
  summaries: readonly Summary[],
  collection: Collection,
  made: Date,
): string {
  const labels = experimentLabels(summaries);
  const chips = summaries.map((_, index) => chip(index));
  const runChips = summaries.flatMap(({ runs }, index) => runs.map(() => chip(index)));
  const title = heading(summaries);
  const finished = collection.runs.filter((run) => run.finished).length;
  const total = counted(collection.runs.length, "run");
  const date = made.toISOString().slice(0, 16).replace("T", " ");
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="pefd report">
<title>${escapeHtml(title)}</title>
<style>${pageStyle()}</style>
</head>
<body>
<main>
<h1>${escapeHtml(title)}</h1>
<p class="muted">${counted(summaries.length, "experiment")}, ${total}, ${finished} finished. Made by pefd report on ${date} UTC.</p>
<h2>Results</h2>
${htmlTable(summaryTable(summaries), chips)}
<p class="muted">${EXPLANATION}</p>
${notes(summaries, collection)}
${plotSection(drawPlots(summaries, labels, { legend: false }), labels)}
<h2>Runs</h2>
${htmlTable(runTable(summaries, labels), runChips)}
<h2>Configurations</h2>
${configurations(summaries, labels)}
</main>
</body>
</html>
`;
}
