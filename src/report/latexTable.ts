import { type Rank, rankings } from "./runs/ranking.js";
import { LEVEL } from "./runs/statistics.js";
import type { Summary } from "./runs/summarize.js";
import { summaryNotes } from "./summaryTable.js";

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\textbackslash{}",
  "~": "\\textasciitilde{}",
  "^": "\\textasciicircum{}",
  "→": "$\\to$",
  "±": "$\\pm$",
};

/** A text as LaTeX prints it. */
const escaped = (text: string): string =>
  text.replace(/[\\~^→±&%$#_{}]/g, (character) => ESCAPES[character] ?? `\\${character}`);

/** Mean and deviation; the best of a pair bold, the second underlined, = where the first is not significantly better. */
function accuracyCell({ last }: Summary, rank: Rank | undefined): string {
  if (last === undefined) return "--";
  const mean = last.mean.toFixed(2);
  const marked = { 1: `\\mathbf{${mean}}`, 2: `\\underline{${mean}}` }[rank?.place ?? 0] ?? mean;
  const deviation = last.std === undefined ? "" : ` \\pm ${last.std.toFixed(2)}`;
  const isEqual = rank?.p !== undefined && rank.p >= LEVEL;
  return `$${marked}${deviation}${isEqual ? "^{=}" : ""}$`;
}

function row(summary: Summary, rank: Rank | undefined): string {
  const { teacher, model, method, n, published, comparable } = summary;
  const figure = published === undefined ? "--" : `${published.top1.toFixed(2)}${comparable ? "" : "$^{*}$"}`;
  const names = [teacher ?? "--", model, method ?? "teacher"].map(escaped);
  return `${[...names, String(n), accuracyCell(summary, rank), figure].join(" & ")} \\\\`;
}

/** The report's table for a paper (package booktabs), with its notes below. */
export function latexTable(summaries: readonly Summary[]): string {
  const ranks = rankings(summaries);
  const epochs = [...new Set(summaries.map(({ settings }) => String(settings.epochs)))].join(", ");
  const about = `Test top-1 in percent after the last of ${epochs} epochs, mean ± standard deviation of n trials; bold: best, underlined: second of a pair.`;
  return [
    "\\begin{tabular}{lllrrr}",
    "\\toprule",
    "Teacher & Student & Method & $n$ & Top-1 & Published \\\\",
    "\\midrule",
    ...summaries.map((summary) => row(summary, ranks.get(summary))),
    "\\bottomrule",
    "\\end{tabular}",
    "",
    `{\\footnotesize ${escaped([about, ...summaryNotes(summaries)].join(" "))}}`,
  ].join("\n");
}
