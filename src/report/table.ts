import { cleanLine, textWidth as width } from "../common/text.js";

export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
  /** A terminal that is too narrow drops columns, the highest number first; never those without one. */
  readonly extra?: number;
  /** Shown in every row even where all rows have the same: what a table is about. */
  readonly pinned?: boolean;
}

/** A table of finished text; every row has as many cells as there are columns. */
export type Table = { readonly columns: readonly Column[]; readonly rows: readonly (readonly string[])[] };

/** Columns that a narrow terminal can go without, the higher the number the sooner. */
export const extra = (given: readonly Column[], rank = 1): Column[] =>
  given.map((column) => ({ ...column, extra: rank }));

/** Columns that are always there. */
export const pinned = (given: readonly Column[]): Column[] => given.map((column) => ({ ...column, pinned: true }));

/** Columns from their titles; those that start with ">" hold numbers. */
export const columns = (...titles: readonly string[]): Column[] =>
  titles.map((title) => (title.startsWith(">") ? { title: title.slice(1), align: "right" } : { title, align: "left" }));

/** Longer cells (untrusted input) would push all others off the screen. */
const WIDEST_CELL = 300;

/** A cell as one line of bounded length. */
export function shownCell(text: string): string {
  const line = cleanLine(text);
  return width(line) <= WIDEST_CELL ? line : `${[...line].slice(0, WIDEST_CELL - 3).join("")}...`;
}

/** A text in a column of some width. */
export function alignedTo(size: number, text: string, align: Column["align"]): string {
  const blanks = " ".repeat(Math.max(0, size - width(text)));
  return align === "right" ? blanks + text : text + blanks;
}

function aligned(table: Table, cell: (text: string) => string = shownCell) {
  const lines = [table.columns.map(({ title }) => title), ...table.rows].map((cells) =>
    table.columns.map((_, index) => cell(cells[index] ?? "")),
  );
  const widths = table.columns.map((_, index) =>
    lines.reduce((widest, cells) => Math.max(widest, width(cells[index] ?? "")), 0),
  );
  const padded = lines.map((cells) =>
    cells.map((text, index) => alignedTo(widths[index] ?? 0, text, table.columns[index]?.align ?? "left")),
  );
  return { widths, titles: padded[0] ?? [], rows: padded.slice(1) };
}

/** For a terminal: aligned columns, a rule below the titles, no newline at the end. */
export function renderText(table: Table): string {
  const { widths, titles, rows } = aligned(table);
  const rule = widths.map((size) => "-".repeat(size));
  return [titles, rule, ...rows].map((cells) => cells.join("  ").trimEnd()).join("\n");
}

/** For a README or an issue: GitHub's tables, aligned in the source as well. */
export function renderMarkdown(table: Table): string {
  const { widths, titles, rows } = aligned(table, (text) => shownCell(text).replaceAll("|", "\\|"));
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = widths.map((size, index) => {
    const right = table.columns[index]?.align === "right";
    return "-".repeat(Math.max(2, size - (right ? 1 : 0))) + (right ? ":" : "");
  });
  return [titles, rule, ...rows].map(line).join("\n");
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/** Escapes spreadsheet formulas with an apostrophe. */
const asText = (cell: string) =>
  /^[=+\-@\uff1d\uff0b\uff0d\uff20]/.test(cell) && !NUMBER.test(cell) ? `'${cell}` : cell;

const quote = (cell: string) => (/[",]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** CSV for programs (RFC 4180, newline as line end), titles first; unprintable characters and formulas are escaped. */
export const renderCsv = (table: Table): string =>
  [table.columns.map(({ title }) => title), ...table.rows]
    .map((cells) => cells.map((cell) => quote(asText(cleanLine(cell)))).join(","))
    .join("\n");
