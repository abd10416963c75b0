import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { cleanLine, counted } from "../../common/text.js";
import { thinningNote } from "../plots/curvePlot.js";
import type { Drawing } from "../plots/draw.js";
import type { Plot } from "../plots/plotParts.js";
import { drawPlots } from "../plots/plots.js";
import { chip, darkRules, escapeHtml, SERIES_TONES, TONES } from "../plots/theme.js";
import type { Collection } from "../runs/collect.js";
import { experimentLabels, pairLabel } from "../runs/labels.js";
import { rankings } from "../runs/ranking.js";
import { type Entry, type RunRecord, recordEntries, stateOf } from "../runs/runRecord.js";
import type { Summary } from "../runs/summarize.js";
import { runTable, summaryNotes, summaryTable, unfinishedNotes } from "../summaryTable.js";
import type { Table } from "../table.js";

const variables = (scheme: "light" | "dark") =>
  [
    ...Object.entries(TONES).map(([name, tone]) => `--${name}:${tone[scheme]}`),
    ...SERIES_TONES.map((tone, index) => `--series-${index}:${tone[scheme]}`),
  ].join(";");

/** The page's style sheet, light, dark and for paper. Tables scroll within themselves, below their heads and beside their first column. */
export const pageStyle = (): string => `
:root{${variables("light")};color-scheme:light dark}
@media screen and (prefers-color-scheme:dark){:root{${variables("dark")}}}
*{box-sizing:border-box}
body{margin:0;background:var(--surface);color:var(--ink);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Liberation Sans",sans-serif}
main{max-width:2400px;margin:0 auto;padding:32px 20px 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 4px;font-weight:650;overflow-wrap:anywhere}
h2{font-size:18px;margin:40px 0 12px;font-weight:650}
p{margin:0 0 8px;max-width:110ch;overflow-wrap:anywhere}
.muted{color:var(--muted)}
:focus-visible{outline:2px solid var(--series-0);outline-offset:2px}
.scrolled{overflow:auto;max-height:min(75vh,900px);margin:0 0 12px;max-width:100%}
table{border-collapse:separate;border-spacing:0;font-size:14px;font-variant-numeric:tabular-nums}
table:not(.values) thead th{position:sticky;top:0;z-index:2;background:var(--surface)}
tbody td:first-child,thead th:first-child,.compared tbody th{position:sticky;left:0;z-index:1;background:var(--surface)}
table:not(.values) thead th:first-child{z-index:3}
th,td{padding:7px 8px;border-bottom:1px solid var(--line);text-align:left;vertical-align:baseline}
th{color:var(--muted);font-weight:500;font-size:13px;vertical-align:bottom}
td{white-space:nowrap}
td.long{white-space:normal;overflow-wrap:anywhere;min-width:32ch}
.number{text-align:right}
tbody tr:hover,tbody tr:hover td:first-child{background:var(--raised)}
th button{all:unset;cursor:pointer;border-bottom:1px dotted}
th button:focus-visible{outline:2px solid var(--series-0)}
th[aria-sort]{color:var(--ink)}
th[aria-sort=ascending] button::after{content:" ▲" / ""}
th[aria-sort=descending] button::after{content:" ▼" / ""}
.tools input{font:inherit;color:inherit;background:var(--surface);border:1px solid var(--muted);border-radius:6px;padding:3px 8px;max-width:100%}
.pick{width:16px;height:16px;margin:2px 8px 0 0;vertical-align:-2px;accent-color:var(--series-0)}
nav ul{display:flex;flex-wrap:wrap;gap:4px 18px;margin:12px 0 0;padding:0;list-style:none}
a{color:var(--series-0)}
.tools{display:flex;flex-wrap:wrap;gap:6px 12px;align-items:center}
.tools button,#comparison button{font:inherit;color:inherit;background:var(--raised);border:1px solid var(--muted);border-radius:6px;padding:2px 10px;cursor:pointer}
.compared{table-layout:fixed}
.compared td,.compared th{white-space:normal;overflow-wrap:anywhere}
.chip{display:inline-block;width:11px;height:11px;margin-right:8px;border-radius:2px}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;margin:0 0 12px;padding:0;list-style:none;max-height:30vh;overflow:auto}
.legend li{overflow-wrap:anywhere}
.plots{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,460px),1fr));gap:16px;margin:0 0 16px}
.full{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,1000px),1fr));gap:16px;margin:0 0 16px}
figure{margin:0;border:1px solid var(--line);border-radius:8px;padding:6px}
.full .drawing{max-height:85vh;overflow:auto}
.drawing svg{display:block;width:100%;max-width:1400px!important;margin:0 auto}
.drawing.narrow{display:none}
.mark{fill:none;stroke:var(--ink);stroke-width:1.5}
.tip{position:absolute;z-index:9;background:var(--surface);border:1px solid var(--muted);border-radius:8px;padding:8px 12px;font-size:13px;pointer-events:none;max-width:min(420px,calc(100vw - 16px));box-shadow:0 2px 12px #0003}
.tip p{margin:0}
.tip.many{columns:2;max-width:min(840px,calc(100vw - 16px))}
.tip[hidden]{display:none}
details{border:1px solid var(--line);border-radius:8px;margin:0 0 8px;padding:0 14px}
summary{cursor:pointer;padding:10px 0;font-weight:550;overflow-wrap:anywhere}
details[open]{padding-bottom:10px}
.values{min-width:0;width:100%;table-layout:fixed}
.values td,.values th{white-space:normal;overflow-wrap:anywhere;padding:4px 12px 4px 0;text-align:left;vertical-align:baseline}
.values th{width:min(260px,40%)}
.values td{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}
@media (max-width:760px){main{padding:20px 12px 48px}.drawing.broad{display:none}.drawing.narrow{display:block}}
@media print{
@page{margin:12mm}
body{font-size:9px}
h1{font-size:15px}
h2{font-size:12px;margin:10px 0 4px;break-after:avoid}
table{font-size:8px}
th,td,td.long{padding:2px 4px;font-size:8px;white-space:normal;min-width:0;overflow-wrap:anywhere}
main{max-width:none;padding:0}
.tools,.tip,.pick,#following,#contents,#runs,#configurations,#terms{display:none}
.scrolled,.legend,.full .drawing{max-height:none;overflow:visible}
.scrolled *{position:static!important}
.plots{grid-template-columns:repeat(4,1fr);gap:4px}
.full{grid-template-columns:repeat(2,1fr);gap:4px}
figure,tbody tr{break-inside:avoid}
}
${darkRules()}
`;

const ALWAYS = ["tables", "picks", "hover"] as const;

/** The text of a compiled module for an inline script: without imports and exports. */
export const moduleText = (url: URL): string =>
  readFileSync(url, "utf8")
    .replace(/^import .*;\n|^export \{\};\n?|^export (?=\w)|^\/\/# sourceMappingURL.*$/gm, "")
    .trim();

const textOf = (name: string): string => moduleText(new URL(`script/${name}.js`, import.meta.url));

/** A script as a Content-Security-Policy names it. */
export const hashOf = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

interface PageScripts {
  readonly html: string;
  /** A Content-Security-Policy: nothing from elsewhere, these scripts, styles in the page. */
  readonly policy: string;
}

/** The inline scripts of a page (page/script) and their policy; a `live` page asks its own server for news. */
export function pageScripts(live: boolean): PageScripts {
  const texts = [...(live ? ["follow"] : []), ...ALWAYS].map(textOf);
  const sources = texts.map(hashOf).join(" ");
  const own = live ? "; connect-src 'self'" : "";
  return {
    html: texts.map((text) => `<script type="module">${text}</script>`).join("\n"),
    policy: `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src ${sources}${own}; base-uri 'none'; form-action 'none'`,
  };
}

/** Data for a page's scripts: JSON that cannot end its element. */
export const jsonScript = (attributes: string, value: unknown): string =>
  `<script type="application/json"${attributes}>${JSON.stringify(value).replaceAll("<", "\\u003c")}</script>`;

interface PageHead {
  readonly title: string;
  readonly policy: string;
  readonly generator: string;
  readonly styles: readonly string[];
}

/** The head of a self-contained page. */
export const pageHead = ({ title, policy, generator, styles }: PageHead): string => `<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="generator" content="${generator}">
<title>${escapeHtml(title)}</title>
${styles.join("\n")}
</head>`;

/** Content before the first cell of a row, and row attributes. */
type RowMark = { readonly html: string; readonly attributes: string; readonly isBest?: boolean };

/** Longer cells are broken into lines. */
const LONG = 32;

/** The columns of a table that has what all rows share said above it; the others are in the order in which they stay in sight. */
function telling({ columns, rows }: Table): { readonly shared: string; readonly table: Table } {
  const places = columns.map((column, at) => ({ column, at }));
  const isShared = ({ column, at }: (typeof places)[number]) =>
    !column.pinned && rows.length > 1 && rows.every((row) => row[at] === rows[0]?.[at]);
  const kept = places.filter((place) => !isShared(place));
  const place = ({ pinned = false, extra = 1 }: Table["columns"][number]) => (pinned ? 0 : extra);
  const ordered = [...kept].sort((a, b) => place(a.column) - place(b.column));
  const parts = places.filter(isShared).map(({ column, at }) => `${column.title} ${rows[0]?.[at]}`);
  return {
    shared: parts.length === 0 ? "" : `<p class="muted">In every row: ${escapeHtml(parts.join(", "))}.</p>\n`,
    table: {
      columns: ordered.map(({ column }) => column),
      rows: rows.map((row) => ordered.map(({ at }) => row[at] ?? "")),
    },
  };
}

/** A table that scrolls within itself; every cell says its column. `marks` has one per row. */
function htmlTable(id: string, label: string, given: Table, marks: readonly RowMark[] = []): string {
  const { shared, table } = telling(given);
  const { columns, rows } = table;
  const look = (text: string, index: number) => {
    const names = [...(columns[index]?.align === "right" ? ["number"] : []), ...(text.length > LONG ? ["long"] : [])];
    return names.length === 0 ? "" : ` class="${names.join(" ")}"`;
  };
  const head = columns.map(({ title }, index) => `<th scope="col"${look("", index)}>${escapeHtml(title)}</th>`);
  const body = rows.map((row, line) => {
    const { html = "", attributes = "", isBest = false } = marks[line] ?? {};
    const cells = row.map((text, index) => {
      const { title = "", pinned } = columns[index] ?? {};
      const shown = isBest && pinned ? `<b>${escapeHtml(text)}</b>` : escapeHtml(text);
      return `<td${look(text, index)} data-label="${escapeHtml(title)}">${index === 0 ? html : ""}${shown}</td>`;
    });
    return `<tr${attributes}>${cells.join("")}</tr>`;
  });
  return `${shared}<div class="scrolled" tabindex="0" role="region" aria-label="${label}"><table id="${id}"><thead><tr>${head.join("")}</tr></thead><tbody>
${body.join("\n")}
</tbody></table></div>`;
}

/** Run data for the page's scripts (page/script/picks.js), in table order. */
interface PageData {
  readonly experiments: readonly {
    readonly label: string;
    readonly tone: number;
    readonly runs: readonly number[];
  }[];
  readonly runs: readonly {
    readonly folder: string;
    readonly name: string;
    readonly experiment: number;
    /** Values of config.json that differ between runs. */
    readonly settings: Readonly<Record<string, string>>;
  }[];
}

function pageData(summaries: readonly Summary[], labels: readonly string[]): PageData {
  const runs = summaries.flatMap((summary, experiment) =>
    summary.runs.map((run) => ({ run, experiment, settings: new Map(recordEntries(run)) })),
  );
  const keys = [...new Set(runs.flatMap(({ settings }) => [...settings.keys()]))].filter(
    (key) => !key.startsWith("origin.") && new Set(runs.map(({ settings }) => settings.get(key))).size > 1,
  );
  return {
    experiments: summaries.map(({ tone }, index) => ({
      tone,
      label: cleanLine(labels[index] ?? ""),
      runs: runs.flatMap(({ experiment }, at) => (experiment === index ? [at] : [])),
    })),
    runs: runs.map(({ run, experiment, settings }) => ({
      folder: cleanLine(run.dir),
      name: cleanLine(`${labels[experiment]}, trial ${run.trial}`),
      experiment,
      settings: Object.fromEntries(
        keys.flatMap((key) => {
          const value = settings.get(key);
          return value === undefined ? [] : [[cleanLine(key), cleanLine(value)] as const];
        }),
      ),
    })),
  };
}

const drawing = ({ svg, hover }: Drawing, look = "") =>
  `<div class="drawing${look}">${svg}${hover === undefined ? "" : jsonScript("", hover)}</div>`;

/** A plot, with its narrow version for phones where it has one. */
function figure(plot: Plot): string {
  const { narrow } = plot;
  if (narrow === undefined) return `<figure>${drawing(plot)}</figure>`;
  return `<figure>${drawing(plot, " broad")}${drawing(narrow, " narrow")}</figure>`;
}

function grid(plots: readonly Plot[], kind: Plot["kind"], look = "plots"): string {
  const figures = plots.filter((plot) => plot.kind === kind).map(figure);
  return figures.length === 0 ? "" : `<div class="${look}">\n${figures.join("\n")}\n</div>`;
}

const section = (id: string, title: string, ...parts: readonly string[]) =>
  `<section id="${id}" aria-labelledby="${id}-title">
<h2 id="${id}-title">${title}</h2>
${parts.filter((part) => part !== "").join("\n")}
</section>`;

/** All plots of a report: accuracies, learning curves with a note, and loss terms where runs log them. */
function figures(
  plots: readonly Plot[],
  summaries: readonly Summary[],
  labels: readonly string[],
  note: string,
): string {
  const items = labels.map((label, index) => `<li>${chip(summaries[index]?.tone ?? 0)}${escapeHtml(label)}</li>`);
  const key = `<ul class="legend" tabindex="0" aria-label="Experiments">${items.join("")}</ul>`;
  const outcomes = [grid(plots, "final", "full"), grid(plots, "cost", "full"), grid(plots, "ablation")];
  const [curves, terms] = [grid(plots, "curve"), grid(plots, "term")];
  const about = `<p class="muted">Thin: single runs. Thick: mean. Band: one sample standard deviation. ${escapeHtml(note)}</p>`;
  const termsAbout = '<p class="muted">Unweighted loss terms on the training images.</p>';
  return [
    ...(outcomes.some((part) => part !== "") ? [section("outcome", "Accuracy", ...outcomes)] : []),
    ...(curves === "" ? [] : [section("curves", "Learning curves", about, key, curves)]),
    ...(terms === "" ? [] : [section("terms", "Terms of the loss", termsAbout, key, terms)]),
  ].join("\n");
}

/** Each key's value where all runs share it, else the values by trial. */
function sharedEntries(runs: readonly RunRecord[]): Entry[] {
  const flat = runs.map((run) => new Map(recordEntries(run)));
  const keys = [...new Set(flat.flatMap((each) => [...each.keys()]))];
  return keys.map((key): Entry => {
    const values = flat.map((each) => each.get(key) ?? "-");
    if (new Set(values).size === 1) return [key, values[0] ?? "-"];
    return [key, values.map((value, i) => `trial ${runs[i]?.trial}: ${value}`).join("; ")];
  });
}

function folded(title: string, entries: readonly Entry[]): string {
  const rows = entries.map(
    ([key, value]) => `<tr><th scope="row">${escapeHtml(key)}</th><td>${escapeHtml(value)}</td></tr>`,
  );
  return `<details><summary>${title}</summary><table class="values"><tbody>${rows.join("\n")}</tbody></table></details>`;
}

/** The folded configurations of all experiments; what several experiments all share stands first, once. */
function configurations(summaries: readonly Summary[], labels: readonly string[]): string {
  const all = summaries.map(({ runs }) => new Map(sharedEntries(runs)));
  const shared = [...(all[0] ?? [])].filter(
    ([key, value]) => all.length > 1 && all.every((each) => each.get(key) === value),
  );
  const common = new Set(shared.map(([key]) => key));
  const own = all.map((each, index) =>
    folded(
      `${chip(summaries[index]?.tone ?? 0)}${escapeHtml(labels[index] ?? "")}`,
      [...each].filter(([key]) => !common.has(key)),
    ),
  );
  return [...(shared.length > 0 ? [folded("Common settings", shared)] : []), ...own].join("\n");
}

function heading(summaries: readonly Summary[]): string {
  const pairs = new Set(summaries.filter(({ kind }) => kind === "distill").map(pairLabel));
  const [only] = pairs;
  if (pairs.size === 1 && only !== undefined) return `Distillation ${only}`;
  if (summaries.length === 0) return "No runs yet";
  if (pairs.size === 0) return "Teachers";
  return `Distillation of ${counted(pairs.size, "pair")}`;
}

const EXPLANATION =
  "Test top-1 accuracy in percent, of the last and of each run's best epoch; mean ± sample standard deviation over trials.";

const ADDRESS = /https:\/\/[\w./-]*\w/g;

function notes(summaries: readonly Summary[], { runs, problems }: Collection): string {
  const lines = [...summaryNotes(summaries), ...unfinishedNotes(runs), ...problems];
  const linked = (line: string) => escapeHtml(line).replace(ADDRESS, '<a href="$&" rel="noreferrer">$&</a>');
  return lines.map((line) => `<p class="muted">${linked(line)}</p>`).join("\n");
}

function statedRuns(summaries: readonly Summary[], labels: readonly string[], now: number): Table {
  const { columns, rows } = runTable(summaries, labels);
  const states = summaries.flatMap(({ runs }) => runs.map((run) => stateOf(run, now)));
  const put = <T>(cells: readonly T[], cell: T): T[] => [...cells.slice(0, 2), cell, ...cells.slice(2)];
  return {
    columns: put(columns, { title: "State", align: "left" }),
    rows: rows.map((row, at) => put(row, states[at] ?? "")),
  };
}

function marksOfSummaries(summaries: readonly Summary[]): RowMark[] {
  const ranks = rankings(summaries);
  return summaries.map((summary, at) => ({
    html: chip(summary.tone),
    attributes: ` data-experiment="${at}"`,
    isBest: ranks.get(summary)?.place === 1,
  }));
}

const marksOfRuns = (summaries: readonly Summary[]): RowMark[] =>
  summaries
    .flatMap(({ runs, tone }) => runs.map(() => tone))
    .map((tone, at) => ({ html: chip(tone), attributes: ` data-run="${at}"` }));

/** What a page that follows runs shows, by which it asks for news. */
export type Following = { readonly version: string };

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
  const origin = following === undefined ? "Made by pefd report on" : "Snapshot by pefd report on";
  const status = following && '<p id="following" class="muted" role="status">Live.</p>';
  return `<header id="about">
<h1 tabindex="-1">${escapeHtml(title)}</h1>
<p class="muted">${counts} ${origin} ${date} UTC.</p>
</header>${status === undefined ? "" : `\n${status}`}`;
}

function body(summaries: readonly Summary[], collection: Collection, results: Table, runs: Table): string {
  const labels = experimentLabels(summaries);
  if (summaries.length === 0) {
    return `<section id="results">\n<p>No runs yet. To make one: <code>pefd distill --config smoke</code>; <code>pefd sweep smoke --distill ours,kd --trials 1-2</code> makes several. They appear here.</p>\n${notes([], collection)}\n</section>`;
  }
  const table = htmlTable("results-table", "Table of results", results, marksOfSummaries(summaries));
  const parts = [
    section("results", "Results", table, `<p class="muted">${EXPLANATION}</p>`, notes(summaries, collection)),
    '<section id="comparison" hidden aria-label="Selected runs"></section>',
    figures(drawPlots(summaries, labels, { legend: false }), summaries, labels, thinningNote(summaries)),
    section("runs", "Runs", htmlTable("runs-table", "Table of runs", runs, marksOfRuns(summaries))),
    section("configurations", "Configurations", configurations(summaries, labels)),
  ].join("\n");
  return `${contents(parts)}\n${parts}`;
}

/** Links to the sections. */
function contents(html: string): string {
  const titles = [...html.matchAll(/<h2 id="(.*?)-title">(.*?)<\/h2>/g)];
  const items = titles.map(([, id, title]) => `<li><a href="#${id}">${title}</a></li>`);
  return `<nav id="contents" aria-label="Contents"><ul>${items.join("")}</ul></nav>`;
}

/**
 * The report as one self-contained HTML page: no network (by its own policy), plots as inline SVG, optional scripts for
 * sorting, picking and values of plots; light or dark.
 * @param made when the page is made
 * @param following only of a page that asks its server for news
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
  const styles = [`<style>${pageStyle()}</style>`];
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
