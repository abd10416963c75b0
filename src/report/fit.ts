import { textWidth, wrapWords } from "../common/text.js";
import { alignedTo, type Column, renderText, shownCell, type Table } from "./table.js";

const GAP = 2;

const LEAST_TEXT = 16;

const widest = (lines: readonly string[]): number => Math.max(0, ...lines.map(textWidth));

type Strip = { readonly column: Column; readonly cells: readonly string[] };

const stripsOf = ({ columns, rows }: Table): Strip[] =>
  columns.map((column, index) => ({ column, cells: rows.map((cells) => shownCell(cells[index] ?? "")) }));

function partCommon(strips: readonly Strip[]): { common: Strip[]; telling: Strip[] } {
  const isCommon = ({ column, cells }: Strip) => !column.pinned && cells.length > 1 && new Set(cells).size === 1;
  const telling = strips.filter((strip) => !isCommon(strip));
  if (telling.length === 0) return { common: [], telling: [...strips] };
  return { common: strips.filter(isCommon), telling };
}

function commonLines(common: readonly Strip[], width: number): string[] {
  if (common.length === 0) return [];
  const parts = common.map(({ column, cells }) => `${column.title} ${cells[0]}`);
  return [...wrapWords(`In every row: ${parts.join(", ")}.`, width), ""];
}

const naturalWidth = ({ column, cells }: Strip): number => widest([column.title, ...cells]);

const wordsOf = (text: string): string[] => text.split(" ");

/** Numbers keep their width, below a wrapped title; text may be wrapped. */
function leastWidth(strip: Strip): number {
  const { column, cells } = strip;
  if (column.align === "right") return widest([...wordsOf(column.title), ...cells]);
  const words = [column.title, ...cells].flatMap(wordsOf);
  return Math.max(widest(words), Math.min(naturalWidth(strip), LEAST_TEXT));
}

/** Widths that fit, shrinking the widest text column first; undefined where there are none. */
function narrowWidths(strips: readonly Strip[], width: number): number[] | undefined {
  const least = strips.map(leastWidth);
  const widths = strips.map(naturalWidth);
  const room = width - GAP * (strips.length - 1);
  let over = widths.reduce((sum, one) => sum + one, 0) - room;
  for (; over > 0; over--) {
    const free = widths.map((one, i) => (one > (least[i] as number) ? one : 0));
    const index = free.indexOf(Math.max(...free));
    if (free[index] === 0) return undefined;
    widths[index] = (widths[index] as number) - 1;
  }
  return widths;
}

function wrappedRow(cells: readonly string[], strips: readonly Strip[], widths: readonly number[]) {
  const parts = cells.map((text, i) => wrapWords(text, widths[i] as number));
  const height = Math.max(...parts.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) =>
    parts
      .map((lines, i) => alignedTo(widths[i] as number, lines[line] ?? "", (strips[i] as Strip).column.align))
      .join(" ".repeat(GAP))
      .trimEnd(),
  );
}

function narrowed(strips: readonly Strip[], widths: readonly number[]): string[] {
  const rows = (strips[0]?.cells ?? []).map((_, row) => strips.map(({ cells }) => cells[row] as string));
  const titles = strips.map(({ column }) => column.title);
  const rule = widths.map((size) => "-".repeat(size)).join(" ".repeat(GAP));
  return [...wrappedRow(titles, strips, widths), rule, ...rows.flatMap((cells) => wrappedRow(cells, strips, widths))];
}

/** A block for each row, with a line for each column. */
function turned(strips: readonly Strip[], width: number): string[] {
  const left = widest(strips.map(({ column }) => column.title));
  const margin = " ".repeat(left + GAP);
  const blocks = (strips[0]?.cells ?? []).map((_, row) =>
    strips.flatMap(({ column, cells }) =>
      wrapWords(cells[row] as string, width - margin.length).map((line, index) =>
        `${index === 0 ? alignedTo(left + GAP, column.title, "left") : margin}${line}`.trimEnd(),
      ),
    ),
  );
  return blocks.flatMap((block, index) => (index === 0 ? block : ["", ...block]));
}

/** All columns, or those that fit without some of the extra ones; of the highest number the first goes first. */
function beside(strips: readonly Strip[], width: number) {
  const rank = ({ column }: Strip) => column.extra ?? 0;
  const extras = strips.filter((strip) => rank(strip) > 0).sort((a, b) => rank(b) - rank(a));
  for (let count = 0; count <= extras.length; count++) {
    const left = extras.slice(0, count);
    const kept = strips.filter((strip) => !left.includes(strip));
    const widths = narrowWidths(kept, width);
    if (widths !== undefined) return { kept, widths, left };
  }
  return undefined;
}

function leftOutLines(left: readonly Strip[], width: number): string[] {
  if (left.length === 0) return [];
  const titles = left.map(({ column }) => column.title);
  return ["", ...wrapWords(`A wider terminal shows: ${titles.join(", ")}.`, width)];
}

/**
 * A table as text that fits a terminal. One that is too wide lists values common to all rows above; then text and
 * titles wrap; then extra columns go, named below; then each row becomes a block. No word is broken.
 * @param width terminal columns; undefined off a terminal, where nothing is fitted
 */
export function renderFitted(table: Table, width: number | undefined): string {
  const plain = renderText(table);
  if (width === undefined || widest(plain.split("\n")) <= width) return plain;
  const { common, telling } = partCommon(stripsOf(table));
  const shown = beside(telling, width);
  const body =
    shown === undefined
      ? turned(telling, width)
      : [...narrowed(shown.kept, shown.widths), ...leftOutLines(shown.left, width)];
  return [...commonLines(common, width), ...body].join("\n");
}

/** Lines of prose wrapped for a terminal; off one, where `width` is undefined, as they are. */
export const fitLines = (text: string, width: number | undefined): string =>
  width === undefined
    ? text
    : text
        .split("\n")
        .flatMap((line) => {
          const indent = /^ */.exec(line)?.[0] ?? "";
          return wrapWords(line.trimStart(), width - indent.length).map((part) => indent + part);
        })
        .join("\n");
