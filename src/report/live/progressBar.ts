import { type Params, SingleBar } from "cli-progress";
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
  start(total: number, done: number): void;
  /** @param fields shown beside the bar, most important first; the last are dropped on a narrow line */
  update(done: number, fields: readonly string[]): void;
  /** Writes full lines above the bar. */
  above(text: string): void;
  /** Removes the bar and leaves the cursor at the start of an empty line. */
  stop(): void;
}

const CLEAR_LINE = "\r\x1b[K";
const BAR_CELLS = 24;

/**
 * The terminal functions that cli-progress calls. Its own restore a saved cursor position, wrong once lines were
 * printed above the bar, and hide the cursor, which stays hidden after SIGKILL.
 */
const terminal = (stream: TextStream, width: () => number) => ({
  isTTY: () => true,
  getWidth: width,
  write: (text: string) => stream.write(text),
  cursorTo: () => stream.write("\r"),
  clearRight: () => stream.write("\x1b[K"),
  clearLine: () => stream.write("\x1b[2K"),
  newline: () => stream.write("\n"),
  cursorSave: () => {},
  cursorRestore: () => {},
  cursor: () => {},
  lineWrapping: () => {},
});

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

type Internals = { timer: NodeJS.Timeout | null; render(): void };

/** cli-progress redraws on a timer, which would keep the process of a failed run alive for ever. */
function letProcessEnd(bar: SingleBar): Internals {
  const internals = bar as unknown as Internals;
  const render = internals.render;
  internals.render = function (this: Internals) {
    render.call(this);
    this.timer?.unref();
  };
  return internals;
}

/** A progress bar for a terminal, drawn by cli-progress; `columns` is the default width. */
export function createProgressBar(stream: TextStream, columns: number, color: boolean): ProgressBar {
  const width = () => Math.max(10, (stream.columns || columns) - 1);
  let fields: readonly string[] = [];
  let active = false;
  const options = {
    terminal: terminal(stream, width),
    format: (_: unknown, params: Params) =>
      barLine(params.progress, fields, { width: width(), cells: BAR_CELLS, color }),
    forceRedraw: true,
    fps: 10,
  };
  const bar = new SingleBar(options);
  const internals = letProcessEnd(bar);

  const stop = () => {
    if (!active) return;
    active = false;
    process.off("exit", stop);
    clearTimeout(internals.timer ?? undefined);
    internals.timer = null;
    stream.write(CLEAR_LINE);
  };
  return {
    start(total, done) {
      active = true;
      // A second Ctrl-C ends the process at once: the shell's prompt shall not stand behind a half bar.
      process.once("exit", stop);
      bar.start(total, done);
    },
    update(done, next) {
      const first = fields.length === 0 || next[0] !== fields[0];
      fields = next;
      if (!active) return;
      bar.update(done);
      if (first) internals.render();
    },
    above(text) {
      if (active) stream.write(CLEAR_LINE);
      stream.write(`${text}\n`);
      if (active) internals.render();
    },
    stop,
  };
}
