import { escapeHtml } from "../plots/html.js";
import { textWidth } from "../plots/textWidth.js";
import type { Table } from "../table.js";

/** What stands before the first cell of a row, and attributes of the row. */
export interface RowMark {
  readonly html: string;
  readonly attributes: string;
}

/** Longer cells are broken into lines. */
const LONG = 32;
const FONT = { cell: 14, head: 13 };
const PADDING = 16;
/** Room for a box and a chip, and for the arrow of a sorted column. */
const EXTRAS = { first: 46, head: 14 };

/** The width in pixels below which a table does not fit in one line a row. */
function naturalWidth({ columns, rows }: Table): number {
  const own = columns.map(({ title }, index) => {
    const words = title.split(" ").map((word) => textWidth(word, FONT.head) + EXTRAS.head);
    const cells = rows.map((row) => textWidth((row[index] ?? "").slice(0, LONG), FONT.cell));
    return Math.max(...words, ...cells) + PADDING;
  });
  return Math.ceil(own.reduce((sum, width) => sum + width, EXTRAS.first));
}

/**
 * Rules that turn a table's rows into cards, each value beside its column's title, where the page is too narrow for it.
 * @param id of the table
 */
export const cardRules = (id: string, table: Table): string => `
@container (max-width:${naturalWidth(table)}px){
#${id},#${id} thead,#${id} tr,#${id} td{display:block}
#${id} thead tr{display:flex;flex-wrap:wrap;gap:0 14px}
#${id} th{border:0;padding:4px 0}
html:not(.scripted) #${id} thead{display:none}
#${id} tbody{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,290px),1fr));gap:12px}
#${id} tbody tr{border:1px solid var(--line);border-radius:8px;padding:6px 0}
#${id} tbody tr[hidden]{display:none}
#${id} td{display:flex;justify-content:space-between;gap:16px;border:0;padding:3px 12px;text-align:right;white-space:normal;overflow-wrap:anywhere}
#${id} td.none{display:none}
#${id} td::before{content:attr(data-label);color:var(--muted);text-align:left;flex:none;margin-right:auto}
}`;

/**
 * A table that can be read without its head as well: every cell says its column.
 * @param id of the table
 * @param marks one per row; none by default
 */
export function htmlTable(
  id: string,
  { columns, rows }: Table,
  marks: readonly RowMark[] = [],
): string {
  const look = (text: string, index: number) => {
    const names = [
      ...(columns[index]?.align === "right" ? ["number"] : []),
      ...(text.length > LONG ? ["long"] : []),
      ...(text === "-" ? ["none"] : []),
    ];
    return names.length === 0 ? "" : ` class="${names.join(" ")}"`;
  };
  const head = columns.map(
    ({ title }, index) => `<th scope="col"${look("", index)}>${escapeHtml(title)}</th>`,
  );
  const body = rows.map((row, line) => {
    const { html = "", attributes = "" } = marks[line] ?? {};
    const cells = row.map((text, index) => {
      const label = ` data-label="${escapeHtml(columns[index]?.title ?? "")}"`;
      const mark = index === 0 ? html : "";
      return `<td${look(text, index)}${label}>${mark}${escapeHtml(text)}</td>`;
    });
    return `<tr${attributes}>${cells.join("")}</tr>`;
  });
  return `<div class="wide"><table id="${id}"><thead><tr>${head.join("")}</tr></thead><tbody>
${body.join("\n")}
</tbody></table></div>`;
}
