import { textWidth, wrapWords } from "../common/text/wrap.js";
import { alignedTo, type Column, renderText, shownCell, type Table } from "./table.js";

const GAP = 2;

/** Columns of words are not made narrower than this. */
const LEAST_TEXT = 16;

const widest = (lines: readonly string[]): number => Math.max(0, ...lines.map(textWidth));

/** One column of a table: its title and its cells as they are shown. */
interface Strip {
  readonly column: Column;
  readonly cells: readonly string[];
}

const stripsOf = ({ columns, rows }: Table): Strip[] =>
  columns.map((column, index) => ({
    column,
    cells: rows.map((cells) => shownCell(cells[index] ?? "")),
  }));

/** Parts the columns whose cells are all the same, where there are several rows, from those that tell rows apart. */
function partCommon(strips: readonly Strip[]): { common: Strip[]; telling: Strip[] } {
  const isCommon = ({ cells }: Strip) => cells.length > 1 && new Set(cells).size === 1;
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

/** Numbers keep their width; words may be wrapped. */
function leastWidth(strip: Strip): number {
  const natural = naturalWidth(strip);
  if (strip.column.align === "right") return natural;
  const words = [strip.column.title, ...strip.cells].flatMap((text) => text.split(" "));
  return Math.max(widest(words), Math.min(natural, LEAST_TEXT));
}

/** Widths that fit together, the widest column of words giving way first; undefined where there are none. */
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

/** Cells beside each other, each wrapped in its column. */
function wrappedRow(cells: readonly string[], strips: readonly Strip[], widths: readonly number[]) {
  const parts = cells.map((text, i) => wrapWords(text, widths[i] as number));
  const height = Math.max(...parts.map(({ length }) => length));
  return Array.from({ length: height }, (_, line) =>
    parts
      .map((lines, i) =>
        alignedTo(widths[i] as number, lines[line] ?? "", (strips[i] as Strip).column.align),
      )
      .join(" ".repeat(GAP))
      .trimEnd(),
  );
}

function narrowed(strips: readonly Strip[], widths: readonly number[]): string[] {
  const rows = (strips[0]?.cells ?? []).map((_, row) =>
    strips.map(({ cells }) => cells[row] as string),
  );
  const titles = strips.map(({ column }) => column.title);
  const rule = widths.map((size) => "-".repeat(size)).join(" ".repeat(GAP));
  return [
    ...wrappedRow(titles, strips, widths),
    rule,
    ...rows.flatMap((cells) => wrappedRow(cells, strips, widths)),
  ];
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

/**
 * A table as text that fits a terminal. One that is too wide says once, above, what is the same in every row; then its
 * columns of words are wrapped; where that is not enough either, it is turned: a block for each row, with a line for each
 * column. Nothing is left out, and no word is broken.
 * @param width columns of the terminal; undefined off one, where a table is as wide as it is
 */
export function renderFitted(table: Table, width: number | undefined): string {
  const plain = renderText(table);
  if (width === undefined || widest(plain.split("\n")) <= width) return plain;
  const { common, telling } = partCommon(stripsOf(table));
  const widths = narrowWidths(telling, width);
  const body = widths === undefined ? turned(telling, width) : narrowed(telling, widths);
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
