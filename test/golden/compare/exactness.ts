import { basename } from "node:path";
import { inputError } from "#pefd/common/errors.js";
import { type GoldenResult, shareOf } from "./check.js";

/** Columns of the table. */
const ENGINES = ["eager", "graph", "xla"] as const;

/** Where the table stands in a document. */
const [BEGIN, END] = ["<!-- golden: begin -->", "<!-- golden: end -->"];

const HEAD = [
  `| file | ${ENGINES.join(" | ")} | measured |`,
  `| --- | ${ENGINES.map(() => "---:").join(" | ")} | --- |`,
];

/** What one engine made of one file. */
export interface Measured {
  readonly path: string;
  readonly engine: string;
  readonly result: GoldenResult;
}

/** A file's row: its cells by engine, and the day of the newest one. */
type Row = { readonly cells: Readonly<Record<string, string>>; readonly date: string };

/** The file as the table names it: with its folders, where they tell what it is of. */
const labelOf = (path: string): string =>
  /(?:^|\/)((?:models|methods)\/.*)\.json$/.exec(path)?.[1] ?? basename(path, ".json");

/** The largest error as a share of its bound, how often a trajectory was run again, and whether roundings set bounds. */
function cellOf({ ok, worst, reruns, ofRounding }: GoldenResult): string {
  const share = shareOf(worst).toPrecision(2);
  if (!ok) return `FAILED: ${share}`;
  if (ofRounding > 0) return `${share} (rounding)`;
  return reruns > 0 ? `${share} (${reruns})` : share;
}

function rowsOf(table: string): Map<string, Row> {
  const lines = table.split("\n").filter((line) => line.startsWith("| "));
  const rows = lines.slice(HEAD.length).map((line): [string, Row] => {
    const [label = "", ...rest] = line.split("|").slice(1, -1);
    const cells = ENGINES.map((engine, i) => [engine, rest[i]?.trim() ?? ""]);
    return [label.trim(), { cells: Object.fromEntries(cells), date: rest.at(-1)?.trim() ?? "" }];
  });
  return new Map(rows);
}

const lineOf = ([label, { cells, date }]: readonly [string, Row]): string =>
  `| ${[label, ...ENGINES.map((engine) => cells[engine] ?? ""), date].join(" | ")} |`;

/**
 * A document with its table of golden files renewed: the cells of what was measured, all others as they were.
 * @param date of the measurements, YYYY-MM-DD
 * @throws inputError where the document has no place for the table
 */
export function withMeasured(document: string, measured: readonly Measured[], date: string): string {
  const [from, to] = [document.indexOf(BEGIN), document.indexOf(END)];
  if (from < 0 || to < from) {
    throw inputError(`The document has no lines ${BEGIN} and ${END} for the table.`);
  }
  const rows = rowsOf(document.slice(from, to));
  for (const { path, engine, result } of measured) {
    const label = labelOf(path);
    const cells = { ...rows.get(label)?.cells, [engine]: cellOf(result) };
    rows.set(label, { cells, date });
  }
  const sorted = [...rows].sort(([a], [b]) => (a < b ? -1 : 1));
  const table = [BEGIN, ...HEAD, ...sorted.map(lineOf), ""].join("\n");
  return document.slice(0, from) + table + document.slice(to);
}
