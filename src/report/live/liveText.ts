/** Text on a terminal that is replaced by newer text in place. */
export interface LiveText {
  show(text: string): void;
  /** Writes a line that stays; what is shown in place stands below it. */
  above(line: string): void;
  /** Takes away what is shown in place. */
  clear(): void;
}

/** What is needed of a terminal. */
export interface Terminal {
  write(text: string): unknown;
  readonly rows?: number | undefined;
}

const DEFAULT_ROWS = 24;

/** As many lines as the terminal is high; what scrolled away could not be replaced. */
function fit(lines: readonly string[], rows: number): string[] {
  if (lines.length < rows) return [...lines];
  const kept = lines.slice(0, Math.max(0, rows - 2));
  return [...kept, `... and ${lines.length - kept.length} more lines`];
}

/** Writes text over the text written before. Nothing of the terminal's state is changed, so nothing is to restore. */
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
