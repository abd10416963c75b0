import leven from "leven";

/** Characters, which take one terminal column each. */
export const textWidth = (text: string): number => [...text].length;

/** Wraps text between words; longer ones get their own line. `widthOf` counts characters. @returns at least one line */
export function wrapWords(text: string, width: number, widthOf = textWidth): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    const longer = line === "" ? word : `${line} ${word}`;
    if (line !== "" && widthOf(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

/** Entries as two columns, the right one wrapped; below where the left text exceeds `left` characters. */
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

/** A word quoted for a POSIX shell. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** The closest known name, or undefined. @param most edits; by default half of the typed length, at least 2 */
export function nearestName(
  typed: string,
  known: readonly string[],
  most: number = Math.max(2, Math.floor(typed.length / 2)),
): string | undefined {
  const scored = known.map((name) => ({ name, distance: leven(typed.toLowerCase(), name.toLowerCase()) }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best && best.distance <= most ? best.name : undefined;
}

/** " Did you mean X?", or an empty string when no known name is near. */
export function didYouMean(typed: string, known: readonly string[]): string {
  const name = nearestName(typed, known);
  return name === undefined ? "" : ` Did you mean ${name}?`;
}

/** Items by key, in order of first appearance. */
export function grouped<Item, Key>(items: Iterable<Item>, keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/** "1 epoch", "3 epochs". */
export const counted = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? "" : "s"}`;

/**
 * Characters that move a cursor, command a terminal, break a line, change the reading direction, or are invalid in XML.
 * Names and values of files and other programs can hold any of them.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/gu;

function escaped(char: string): string {
  const named = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[char];
  if (named !== undefined) return named;
  const code = char.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
}

/** User name and password before a URL's host, valid or not; a port is no password. */
const PASSWORD = /((?:https?:[/\\]*|:\/\/)[^\s/?#\\:]*:)(?!\d{0,5}(?:[/?#\\]|$))[^\s"]{0,4096}@/gi;

/** Passwords of URLs as PASSWORD; the functions below do so for all that is shown, files need it explicitly. */
export const withoutPasswords = (text: string): string => text.replace(PASSWORD, "$1PASSWORD@");

/** One line safe for a terminal, a table, a page or a drawing: passwords hidden, unprintable characters escaped. */
export const cleanLine = (text: string): string => withoutPasswords(text).replace(UNPRINTABLE, escaped);

/** cleanLine that keeps line feeds. */
export const cleanText = (text: string): string =>
  withoutPasswords(text).replace(UNPRINTABLE, (char) => (char === "\n" ? char : escaped(char)));

/** An escape sequence for color or style only. */
const STYLE = new RegExp(`(${String.fromCharCode(27)}\\[[\\d;]*m)`);

/** cleanText for text that this program has colored. */
export const cleanColored = (text: string): string =>
  text
    .split(STYLE)
    .map((part, index) => (index % 2 === 1 ? part : cleanText(part)))
    .join("");

/** Equivalent JSON that is safe on a terminal. */
export const cleanJson = (json: string): string =>
  withoutPasswords(json).replace(UNPRINTABLE, (char) =>
    char === "\n" ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** A number with three digits, as far as that takes decimals. */
export const threeDigits = (value: number): string => value.toFixed(value < 10 ? 2 : value < 100 ? 1 : 0);
