/** A column of a table: numbers stand to the right. */
export interface Column {
  readonly title: string;
  readonly align: "left" | "right";
}

/** A table of finished text; every row has as many cells as there are columns. */
export interface Table {
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}

/** Columns from their titles; those that start with ">" hold numbers. */
export const columns = (...titles: readonly string[]): Column[] =>
  titles.map((title) =>
    title.startsWith(">") ? { title: title.slice(1), align: "right" } : { title, align: "left" },
  );

const width = (text: string) => [...text].length;

function pad(text: string, size: number, align: Column["align"]): string {
  const blanks = " ".repeat(Math.max(0, size - width(text)));
  return align === "right" ? blanks + text : text + blanks;
}

function aligned(table: Table, cells: readonly string[]): string[] {
  return table.columns.map(({ align, title }, index) => {
    const column = [title, ...table.rows.map((row) => row[index] ?? "")];
    return pad(cells[index] ?? "", Math.max(...column.map(width)), align);
  });
}

const titles = (table: Table) => table.columns.map(({ title }) => title);

/** For a terminal: aligned columns, a rule below the titles, no newline at the end. */
export function renderText(table: Table): string {
  const lines = [titles(table), ...table.rows].map((cells) =>
    aligned(table, cells).join("  ").trimEnd(),
  );
  const rule = aligned(table, []).map((blanks) => "-".repeat(blanks.length));
  return [lines[0], rule.join("  "), ...lines.slice(1)].join("\n");
}

/** For a README or an issue: GitHub's tables, aligned in the source as well. */
export function renderMarkdown(table: Table): string {
  const safe: Table = {
    columns: table.columns,
    rows: table.rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|"))),
  };
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = aligned(safe, []).map((blanks, index) => {
    const right = safe.columns[index]?.align === "right";
    return "-".repeat(Math.max(2, blanks.length - (right ? 1 : 0))) + (right ? ":" : "");
  });
  const rows = [titles(safe), ...safe.rows].map((cells) => line(aligned(safe, cells)));
  return [rows[0], line(rule), ...rows.slice(1)].join("\n");
}

const quote = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);

/** For programs: comma-separated values (RFC 4180, newline as line end), titles first. */
export function renderCsv(table: Table): string {
  return [titles(table), ...table.rows].map((cells) => cells.map(quote).join(",")).join("\n");
}
