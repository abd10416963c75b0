import { once } from "node:events";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { makeFolder } from "../../common/files/atomicFile.js";
import { writeOutputFile } from "../../common/files/outputFile.js";
import { choice, flag, flagSection, integer, path, type Values } from "../../common/optionRow.js";
import { DOCUMENT, GENERAL } from "../../config/commandOptions.js";
import { resolveSection } from "../../config/resolve.js";
import { modelNames } from "../../models/registry.js";
import { type ModelSurvey, surveyModel } from "../../models/survey.js";
import { fitLines, renderFitted } from "../../report/fit.js";
import { latexTable, markdownTable } from "../../report/paperTable.js";
import type { Plot } from "../../report/plots/plotParts.js";
import { reportDocument } from "../../report/reportDocument.js";
import { type Collection, collectRuns } from "../../report/runs/collect.js";
import { runCollector } from "../../report/runs/collector.js";
import { experimentLabels } from "../../report/runs/labels.js";
import { type Summary, summarize } from "../../report/runs/summarize.js";
import { summaryCsvTable, summaryNotes, summaryTable, unfinishedNotes } from "../../report/summaryTable.js";
import { renderCsv } from "../../report/table.js";
import type { Command, Output } from "../command.js";
import { endedBySignal, interruptible } from "../interrupt.js";
import { fileOf, STDOUT } from "../output.js";
import { publishedOf } from "../published.js";

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
  signal.throwIfAborted();
}

/** Serves a report page until Ctrl-C; port 0 is any free one. Returns the signal's exit code. */
async function serveRuns(dirs: readonly string[], port: number, output: Output): Promise<number | undefined> {
  const collect = runCollector();
  for (const problem of collect(dirs).problems) output.notice(`warning: ${problem}`);
  const { livePage } = await import("../../report/server.js");
  const { serveReport } = await import("../../report/server.js");
  const server = await serveReport(livePage(dirs, publishedOf, Date.now, collect), port);
  output.result(server.url, { url: server.url });
  output.notice("Open this address in a browser on this machine. Ctrl-C stops the server, not the runs.");
  try {
    return await interruptible(untilAborted).then(() => undefined, endedBySignal);
  } finally {
    await server.close();
  }
}

const REPORT = flagSection("Report", {
  csv: path(undefined, "Write the table as CSV with full precision and all settings to this file; - prints it.", {
    valueName: "FILE|-",
  }),
  markdown: flag("Print the table in Markdown."),
  latex: flag("Print the table for a paper, in LaTeX with booktabs."),
  html: path(undefined, "Write an HTML page with tables, plots and configurations to this file."),
  svg: path(undefined, "Write each plot as an SVG into this folder.", { valueName: "DIR" }),
  figure: choice(["accuracy", "cost", "curves"], undefined, "Write one figure as SVG into the file --out."),
  out: path(undefined, "The file of --figure."),
  serve: integer(undefined, "Serve a live page on localhost until Ctrl-C, on this port or any free one.", {
    min: 0,
    max: 65535,
    bare: "0",
    valueName: "[PORT]",
  }),
});

const SAVE_DIR = "save";

function collect(dirs: readonly string[]): Collection {
  const found = collectRuns(dirs);
  if (found.runs.length > 0) return found;
  throw inputError(
    `No runs found in ${dirs.join(", ")}${found.problems.map((p) => `; ${p}`).join("")}.`,
    "A run folder contains config.json and epochs.csv; `pefd distill` creates one in --save_dir.",
  );
}

async function writePage(file: string, summaries: readonly Summary[], found: Collection) {
  const { htmlPage } = await import("../../report/page/htmlPage.js");
  await writeOutputFile(file, htmlPage(summaries, found, new Date()));
}

async function writePlots(folder: string, summaries: readonly Summary[]) {
  const { drawPlots } = await import("../../report/plots/plots.js");
  makeFolder(folder);
  for (const { name, svg } of drawPlots(summaries, experimentLabels(summaries), { legend: true })) {
    await writeOutputFile(join(folder, `${name}.svg`), `${svg}\n`);
  }
}

type Figure = "accuracy" | "cost" | "curves";

/** Which of the page's plots a figure is, and what it needs. */
const FIGURES: Readonly<Record<Figure, { isIt(plot: Plot): boolean; readonly needs: string }>> = {
  accuracy: { isIt: ({ kind }) => kind === "final", needs: "a finished run" },
  cost: { isIt: ({ kind }) => kind === "cost", needs: "three methods of a pair with finished runs" },
  curves: { isIt: ({ name }) => name === "test_top1", needs: "an epoch" },
};

/** A figure of each pair that has one, the second as NAME_2.svg. @returns the files */
async function writeFigure(figure: Figure, out: string, summaries: readonly Summary[]): Promise<string[]> {
  const { drawPlots } = await import("../../report/plots/plots.js");
  const { isIt, needs } = FIGURES[figure];
  const plots = drawPlots(summaries, experimentLabels(summaries), { legend: true }).filter(isIt);
  if (plots.length === 0) throw inputError(`There is no figure ${figure}: it needs ${needs}.`);
  const files = plots.map((_, at) => (at === 0 ? out : out.replace(/\.svg$/, `_${at + 1}.svg`)));
  for (const [at, file] of files.entries()) await writeOutputFile(file, `${plots[at]?.svg}\n`);
  return files;
}

/** The file of a figure. @throws inputError for one without the other, and for other formats */
function figureFile({ figure, out }: Values<typeof REPORT>): string | undefined {
  if (figure === undefined && out === undefined) return undefined;
  if (figure === undefined || out === undefined)
    throw inputError("--figure and --out belong together.", "Such as --figure cost --out cost.svg.");
  if (out.endsWith(".svg")) return out;
  throw inputError(
    `--out ${out}: figures are SVG.`,
    "For LaTeX, convert it: rsvg-convert -f pdf -o figure.pdf figure.svg",
  );
}

/** Parameters and multiply-adds of a model, unless its plug-in is not there. */
function sizeOf(model: string): ModelSurvey | undefined {
  return modelNames().includes(model) ? surveyModel(model) : undefined;
}

function textOf(summaries: readonly Summary[], form: Values<typeof REPORT>, width: number | undefined): string {
  if (form.csv === STDOUT) return renderCsv(summaryCsvTable(summaries));
  if (form.latex) return latexTable(summaries, sizeOf);
  if (form.markdown) return markdownTable(summaries, sizeOf);
  const notes = summaryNotes(summaries);
  const below = notes.length > 0 ? `\n\n${fitLines(notes.join("\n"), width)}` : "";
  return `${renderFitted(summaryTable(summaries), width)}${below}`;
}

function refuseClashes({ csv, markdown, latex, svg }: Values<typeof REPORT>, json: boolean): void {
  if ([csv === STDOUT, markdown, latex, json].filter(Boolean).length > 1) {
    throw inputError("Only one of --csv -, --markdown, --latex and --json can be printed.");
  }
  if (!svg?.endsWith(".svg")) return;
  throw inputError(`--svg ${svg}: a report has several plots; give a folder.`, "Such as --svg plots.");
}

/** pefd report: runs summarized over trials, as table, page or plots. */
export const command: Command = {
  sections: [REPORT, DOCUMENT, GENERAL],
  positionals: { usage: "[DIR...]", min: 0, max: Number.POSITIVE_INFINITY, completes: "runs" },
  examples: [
    ["pefd report", "all runs in ./save"],
    ["pefd report save/student_model --html report.html", "an HTML page to share"],
    ["pefd report --latex > table.tex", "a table for a paper"],
    ["pefd report --figure cost --out cost.svg", "a figure for it"],
    ["pefd report --serve", "a live page in the browser"],
  ],
  async run({ layers, positionals, output }) {
    const options = resolveSection(REPORT, layers);
    const { csv, markdown, latex, html, svg, serve } = options;
    refuseClashes(options, output.json);
    const drawn = figureFile(options);
    const dirs = positionals.length > 0 ? positionals : [SAVE_DIR];
    if (serve !== undefined) {
      if (csv !== undefined || markdown || latex || html !== undefined || svg !== undefined || drawn !== undefined) {
        throw inputError("--serve cannot be combined with --csv, --markdown, --latex, --html, --svg or --figure.");
      }
      return serveRuns(dirs, serve, output);
    }
    const found = collect(dirs);
    const summaries = summarize(found.runs, publishedOf);
    for (const line of unfinishedNotes(found.runs)) output.notice(line);
    for (const problem of found.problems) output.notice(`warning: ${problem}`);
    const table = fileOf(csv);
    if (table !== undefined) await writeOutputFile(table, `${renderCsv(summaryCsvTable(summaries))}\n`);
    if (html !== undefined) await writePage(html, summaries, found);
    if (svg !== undefined) await writePlots(svg, summaries);
    const figures = drawn === undefined ? [] : await writeFigure(options.figure as Figure, drawn, summaries);
    output.result(textOf(summaries, options, output.width), reportDocument(summaries, found));
    if (table !== undefined) output.notice(`The table is in ${table}.`);
    if (html !== undefined) output.notice(`The page is ${html}.`);
    if (svg !== undefined) output.notice(`The plots are in ${svg}.`);
    for (const file of figures) output.notice(`The figure is ${file}.`);
    return undefined;
  },
};
