import leven from "leven";

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

/** One word as a POSIX shell takes it. */
export const shellWord = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/**
 * The known name closest to what was typed, for "did you mean" sentences.
 * @param most edits; by default half of the typed length, at least 2
 * @returns the name, or undefined when nothing is so near
 */
export function nearestName(
  typed: string,
  known: readonly string[],
  most: number = Math.max(2, Math.floor(typed.length / 2)),
): string | undefined {
  const scored = known.map((name) => ({
    name,
    distance: leven(typed.toLowerCase(), name.toLowerCase()),
  }));
  scored.sort((a, b) => a.distance - b.distance);
  const best = scored[0];
  return best && best.distance <= most ? best.name : undefined;
}

/** " Did you mean X?" with a leading space, or an empty string when no known name is near. */
export function didYouMean(typed: string, known: readonly string[]): string {
  const name = nearestName(typed, known);
  return name === undefined ? "" : ` Did you mean ${name}?`;
}

/** Items by a key, in the order in which the keys first appear. */
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
 * Characters that do not stand for themselves: those that move a cursor, command a terminal, break a line, turn the
 * direction of reading, or may not stand in XML. Names and values of files and other programs can hold any of them.
 */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/gu;

/** `\n`, `\x1b`, `\u202e`: as JSON and C spell them. */
function escaped(char: string): string {
  const named = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }[char];
  if (named !== undefined) return named;
  const code = char.charCodeAt(0).toString(16);
  return code.length <= 2 ? `\\x${code.padStart(2, "0")}` : `\\u${code.padStart(4, "0")}`;
}

/** A name and a password before a URL's host, whether or not their letters may stand there; a port is no password. */
const PASSWORD = /((?:https?:[/\\]*|:\/\/)[^\s/?#\\:]*:)(?!\d{0,5}(?:[/?#\\]|$))[^\s"]{0,4096}@/gi;

/**
 * Text with PASSWORD in place of the password of each URL in it. All that pefd shows comes through here, by the functions
 * below; what is written down or given to other programs has to be sent through here itself.
 */
export const withoutPasswords = (text: string): string => text.replace(PASSWORD, "$1PASSWORD@");

/** Text that is safe in one line of a terminal, a table, a page or a drawing: what is unprintable is escaped. */
export const cleanLine = (text: string): string => withoutPasswords(text).replace(UNPRINTABLE, escaped);

/** The same for text of several lines: line feeds stay. */
export const cleanText = (text: string): string =>
  withoutPasswords(text).replace(UNPRINTABLE, (char) => (char === "\n" ? char : escaped(char)));

/** An escape sequence that sets colors or a style and does nothing else. */
const STYLE = new RegExp(`(${String.fromCharCode(27)}\\[[\\d;]*m)`);

/** The same for text that this program has colored. */
export const cleanColored = (text: string): string =>
  text
    .split(STYLE)
    .map((part, index) => (index % 2 === 1 ? part : cleanText(part)))
    .join("");

/** JSON that says the same, and that a terminal may show. */
export const cleanJson = (json: string): string =>
  withoutPasswords(json).replace(UNPRINTABLE, (char) =>
    char === "\n" ? char : `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
