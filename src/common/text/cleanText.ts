/**
 * Characters that do not stand for themselves: those that move a cursor, command a terminal, break a line, turn the
 * direction of reading, or may not stand in XML. Names and values of files and other programs can hold any of them.
 */
const UNPRINTABLE =
  /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]/gu;

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
export const cleanLine = (text: string): string =>
  withoutPasswords(text).replace(UNPRINTABLE, escaped);

/** The same for text of several lines: line feeds stay. */
export const cleanText = (text: string): string =>
  withoutPasswords(text).replace(UNPRINTABLE, (char) => (char === "\n" ? char : escaped(char)));

/** An escape sequence that sets colours or a style and does nothing else. */
const STYLE = new RegExp(`(${String.fromCharCode(27)}\\[[\\d;]*m)`);

/** The same for text that this program has coloured. */
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
