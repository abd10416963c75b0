const ESC = "\u001b";

/** What is on the screen, and where the cursor stands. */
interface Screen {
  lines: string[];
  row: number;
  column: number;
}

/** What the sequences that this program writes do; [K, [2K clear in the line, [J below, [nA goes up. */
const SEQUENCES: readonly (readonly [RegExp, (screen: Screen, count: number) => void])[] = [
  [/^\[K/, (s) => s.lines.splice(s.row, 1, (s.lines[s.row] ?? "").slice(0, s.column))],
  [/^\[2K/, (s) => s.lines.splice(s.row, 1, "")],
  [/^\[J/, (s) => s.lines.splice(s.row, Infinity, (s.lines[s.row] ?? "").slice(0, s.column))],
  [
    /^\[(\d+)A/,
    (s, count) => {
      s.row = Math.max(0, s.row - count);
    },
  ],
  [/^\[\d+m/, () => {}],
];

/** Applies an escape sequence. @returns its length after ESC; 0 for one that is not known */
function apply(screen: Screen, rest: string): number {
  for (const [pattern, action] of SEQUENCES) {
    const match = pattern.exec(rest);
    if (match === null) continue;
    action(screen, Number(match[1]));
    return match[0].length;
  }
  return 0;
}

function put(screen: Screen, letter: string): void {
  if (letter === "\r") screen.column = 0;
  else if (letter === "\n") {
    screen.row++;
    screen.column = 0;
    if (screen.row === screen.lines.length) screen.lines.push("");
  } else {
    const line = screen.lines[screen.row] ?? "";
    screen.lines[screen.row] = line.slice(0, screen.column) + letter + line.slice(screen.column + 1);
    screen.column++;
  }
}

/** What a terminal shows after `text`, line by line; an escape sequence that is not known stays, to be seen. */
export function screen(text: string): string[] {
  const result: Screen = { lines: [""], row: 0, column: 0 };
  for (let i = 0; i < text.length; i++) {
    const length = text[i] === ESC ? apply(result, text.slice(i + 1)) : 0;
    if (length > 0) i += length;
    else put(result, text[i] ?? "");
  }
  return result.lines;
}
