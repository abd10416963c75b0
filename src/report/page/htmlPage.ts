import { counted } from "../../common/text/counted.js";
import { thinningNote } from "../plots/curvePlot.js";
import { chip, escapeHtml } from "../plots/html.js";
import { drawPlots } from "../plots/plots.js";
import type { Collection } from "../runs/collect.js";
import { experimentLabels, pairLabel } from "../runs/labels.js";
import { stateOf } from "../runs/runState.js";
import type { Summary } from "../runs/summarize.js";
import { summaryNotes } from "../summaryNotes.js";
import { runTable, summaryTable, unfinishedNotes } from "../summaryTable.js";
import type { Table } from "../table.js";
import { configurations } from "./configurations.js";
import { figures } from "./figures.js";
import { cardRules, htmlTable, type RowMark } from "./htmlTable.js";
import { pageData } from "./pageData.js";
import { pageHead } from "./pageHead.js";
import { jsonScript, pageScripts } from "./pageScripts.js";
import { pageStyle } from "./pageStyle.js";

/** What the page is about: the one pair, or how many there are. */
function heading(summaries: readonly Summary[]): string {
  const pairs = new Set(summaries.filter(({ kind }) => kind === "distill").map(pairLabel));
  const [only] = pairs;
  if (pairs.size === 1 && only !== undefined) return `Distillation ${only}`;
  if (summaries.length === 0) return "No runs yet";
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

/** The table of runs with a column for their states. */
function statedRuns(summaries: readonly Summary[], labels: readonly string[], now: number): Table {
  const { columns, rows } = runTable(summaries, labels);
  const states = summaries.flatMap(({ runs }) => runs.map((run) => stateOf(run, now)));
  const put = <T>(cells: readonly T[], cell: T): T[] => [
    ...cells.slice(0, 2),
    cell,
    ...cells.slice(2),
  ];
  return {
    columns: put(columns, { title: "State", align: "left" }),
    rows: rows.map((row, at) => put(row, states[at] ?? "")),
  };
}

const marksOfSummaries = (summaries: readonly Summary[]): RowMark[] =>
  summaries.map((_, at) => ({ html: chip(at), attributes: ` data-experiment="${at}"` }));

const marksOfRuns = (summaries: readonly Summary[]): RowMark[] =>
  summaries
    .flatMap(({ runs }, experiment) => runs.map(() => experiment))
    .map((experiment, at) => ({ html: chip(experiment), attributes: ` data-run="${at}"` }));

/** A page that follows runs: the name of what it shows, by which it asks for news. */
export interface Following {
  readonly version: string;
}

function header(
  title: string,
  summaries: readonly Summary[],
  { runs }: Collection,
  made: Date,
  following: Following | undefined,
): string {
  const finished = runs.filter((run) => run.finished).length;
  const date = made.toISOString().slice(0, 16).replace("T", " ");
  const counts = `${counted(summaries.length, "experiment")}, ${counted(runs.length, "run")}, ${finished} finished.`;
  const origin = following === undefined ? "Made by pefd report on" : "As pefd report saw them on";
  const status =
    following && '<p id="following" class="muted" role="status">Following the runs.</p>';
  return `<header id="about">
<h1 tabindex="-1">${escapeHtml(title)}</h1>
<p class="muted">${counts} ${origin} ${date} UTC.</p>
</header>${status === undefined ? "" : `\n${status}`}`;
}

function body(
  summaries: readonly Summary[],
  collection: Collection,
  results: Table,
  runs: Table,
): string {
  const labels = experimentLabels(summaries);
  if (summaries.length === 0) {
    return `<section id="results">\n<p>There is no run yet.</p>\n${notes([], collection)}\n</section>`;
  }
  return `<section id="results" aria-labelledby="results-title">
<h2 id="results-title">Results</h2>
${htmlTable("results-table", results, marksOfSummaries(summaries))}
<p class="muted">${EXPLANATION}</p>
${notes(summaries, collection)}
</section>
<section id="comparison" hidden aria-label="Picked runs"></section>
${figures(drawPlots(summaries, labels, { legend: false }), labels, thinningNote(summaries))}
<section id="runs" aria-labelledby="runs-title">
<h2 id="runs-title">Runs</h2>
${htmlTable("runs-table", runs, marksOfRuns(summaries))}
</section>
<section id="configurations" aria-labelledby="configurations-title">
<h2 id="configurations-title">Configurations</h2>
${configurations(summaries, labels)}
</section>`;
}

/**
 * The report as one HTML page that needs nothing else: no network (its own policy forbids it), plots as inline SVG, small
 * scripts for sorting, picking and values of plots, without which everything can be read as well; light or dark as the
 * reader prefers.
 * @param made when the page is made
 * @param following of a page that asks its server for news; a page in a file does not
 */
export function htmlPage(
  summaries: readonly Summary[],
  collection: Collection,
  made: Date,
  following?: Following,
): string {
  const labels = experimentLabels(summaries);
  const [results, runs] = [summaryTable(summaries), statedRuns(summaries, labels, made.getTime())];
  const title = heading(summaries);
  const scripts = pageScripts(following !== undefined);
  const version = following === undefined ? "" : ` data-version="${escapeHtml(following.version)}"`;
  const cards = cardRules("results-table", results) + cardRules("runs-table", runs);
  const styles = [`<style>${pageStyle()}</style>`, `<style id="cards">${cards}</style>`];
  const head = pageHead({ title, policy: scripts.policy, generator: "pefd report", styles });
  return `<!doctype html>
<html lang="en"${version}>
${head}
<body>
<main>
${header(title, summaries, collection, made, following)}
${body(summaries, collection, results, runs)}
${jsonScript(' id="data"', pageData(summaries, labels))}
</main>
${scripts.html}
</body>
</html>
`;
}
