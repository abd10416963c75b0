/** Characters as a terminal counts them, one column each. */
export const textWidth = (text: string): number => [...text].length;

/**
 * Text as lines of at most `width` characters, broken between words; a longer word has a line of its own.
 * @returns at least one line
 */
export function wrapWords(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && textWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

/**
 * Entries as two columns: what stands left, and beside it a text that is wrapped in the room that is left. An entry whose
 * left part is longer than `left` characters has its text below.
 * @param indent blanks before every line
 * @param width no line is longer, unless a single word is
 */
export function twoColumns(
  entries: readonly (readonly [left: string, text: string])[],
  { left, indent, width }: { left: number; indent: number; width: number },
): string[] {
  const margin = " ".repeat(indent);
  const column = " ".repeat(indent + left + 2);
  return entries.flatMap(([name, text]) => {
    const [first = "", ...others] = wrapWords(text, width - column.length);
    const below = others.map((line) => `${column}${line}`);
    if (textWidth(name) > left) return [`${margin}${name}`, `${column}${first}`, ...below];
    return [`${margin}${name.padEnd(left)}  ${first}`.trimEnd(), ...below];
  });
}
