/** Text on a terminal that is replaced by newer text in place. */
export interface LiveText {
  show(text: string): void;
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
  let height = 0;
  return {
    show(text) {
      const lines = fit(text.split("\n"), terminal.rows || DEFAULT_ROWS);
      const up = height === 0 ? "" : `\u001b[${height}A`;
      terminal.write(`${up}\r\u001b[J${lines.join("\n")}\n`);
      height = lines.length;
    },
  };
}
