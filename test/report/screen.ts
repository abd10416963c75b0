const ESC = "\u001b";

/**
 * What a terminal shows after `text`: carriage return, newline, clear line (ESC[2K) and clear to the right (ESC[K)
 * are applied, colours dropped. Any other escape sequence is kept, so that a test sees it.
 */
export function screen(text: string): string[] {
  const lines = [""];
  let column = 0;
  for (let i = 0; i < text.length; i++) {
    const last = lines.length - 1;
    const line = lines[last] ?? "";
    const rest = text.slice(i);
    if (rest.startsWith("\n")) {
      lines.push("");
      column = 0;
    } else if (rest.startsWith("\r")) column = 0;
    else if (rest.startsWith(`${ESC}[K`)) {
      lines[last] = line.slice(0, column);
      i += 2;
    } else if (rest.startsWith(`${ESC}[2K`)) {
      lines[last] = "";
      i += 3;
    } else if (/^\[\d+m/.test(rest.slice(1)) && rest.startsWith(ESC)) i += rest.indexOf("m");
    else {
      lines[last] = line.slice(0, column) + rest[0] + line.slice(column + 1);
      column++;
    }
  }
  return lines;
}
