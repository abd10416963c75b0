import { cleanLine } from "../../common/text.js";
import { palette } from "../color.js";

interface LiveText {
  show(text: string): void;
  /** Writes a permanent line above the live text. */
  above(line: string): void;
  clear(): void;
}

export type Terminal = { write(text: string): unknown; readonly rows?: number | undefined };

const DEFAULT_ROWS = 24;

/** Cut to the terminal's height: lines that scrolled away cannot be replaced. */
function fit(lines: readonly string[], rows: number): string[] {
  if (lines.length < rows) return [...lines];
  const kept = lines.slice(0, Math.max(0, rows - 2));
  return [...kept, `... and ${lines.length - kept.length} more lines`];
}

/** Writes text over the text written before. It changes no terminal state that would need restoring. */
export function createLiveText(terminal: Terminal): LiveText {
  let shown: readonly string[] = [];
  const replace = (lasting: string, lines: readonly string[]) => {
    const up = shown.length === 0 ? "" : `\u001b[${shown.length}A\r\u001b[J`;
    terminal.write(`${up}${lasting}${lines.map((line) => `${line}\n`).join("")}`);
    shown = lines;
  };
  return {
    show: (text) => replace("", fit(text.split("\n"), terminal.rows || DEFAULT_ROWS)),
    above: (line) => replace(`${line}\n`, shown),
    clear: () => replace("", []),
  };
}

export interface TextStream {
  write(text: string): unknown;
  /** Terminal width, which may change. */
  readonly columns?: number | undefined;
}

export interface ProgressBar {
  /** Begins with the first update. @param fields beside the bar, most important first; a narrow line drops the last */
  update(done: number, total: number, fields: readonly string[]): void;
  /** Writes full lines above the bar. */
  above(text: string): void;
  /** Removes the bar and leaves the cursor at the start of an empty line; the next update begins another. */
  stop(): void;
}

const CLEAR_LINE = "\r\x1b[K";
const BAR_CELLS = 24;

/** As many fields as fit into `width` characters, joined by two blanks; at least the first, cut. */
function fitFields(fields: readonly string[], width: number): string {
  const [first = "", ...others] = fields.map(cleanLine);
  let line = first.slice(0, Math.max(0, width));
  for (const field of others) {
    if (line.length + 2 + field.length > width) break;
    line += `  ${field}`;
  }
  return line;
}

/** Bar, percentage and as many fields as fit `width` characters; only fields where narrow. `progress` is 0 to 1. */
export function barLine(
  progress: number,
  fields: readonly string[],
  { width, cells, color }: { width: number; cells: number; color: boolean },
): string {
  const full = Math.round(progress * cells);
  const text = `${String(Math.floor(progress * 100)).padStart(3)}%  `;
  const left = cells + 1 + text.length;
  if (width < left + 20) return fitFields(fields, width);
  const bar = palette(color).green("█".repeat(full)) + "░".repeat(cells - full);
  return `${bar} ${text}${fitFields(fields, width - left)}`;
}

/** Milliseconds for which a bar stands while its first field does. */
const REDRAW_MS = 100;

/** A progress bar for a terminal whose cursor it never hides; `columns` is the default width. */
export function createProgressBar(stream: TextStream, columns: number, color: boolean): ProgressBar {
  let state: { readonly progress: number; readonly fields: readonly string[] } | undefined;
  let drawnAt = 0;
  const draw = () => {
    if (state === undefined) return;
    const width = Math.max(10, (stream.columns || columns) - 1);
    stream.write(`\r${barLine(state.progress, state.fields, { width, cells: BAR_CELLS, color })}\x1b[K`);
    drawnAt = performance.now();
  };
  const stop = () => {
    if (state === undefined) return;
    state = undefined;
    process.off("exit", stop);
    stream.write(CLEAR_LINE);
  };
  return {
    update(done, total, fields) {
      // A second Ctrl-C ends the process at once: the shell's prompt shall not stand behind a half bar.
      if (state === undefined) process.once("exit", stop);
      const isNew = state?.fields[0] !== fields[0];
      state = { progress: total > 0 ? Math.min(1, done / total) : 1, fields };
      if (isNew || performance.now() - drawnAt >= REDRAW_MS) draw();
    },
    above(text) {
      stream.write(`${state ? CLEAR_LINE : ""}${text}\n`);
      draw();
    },
    stop,
  };
}
