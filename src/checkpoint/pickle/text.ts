import { damage } from "../damage.js";

/** The escapes of protocol 0, in which strings are text between quotes and lines. */

const SIMPLE: Readonly<Record<string, string>> = { n: "\n", r: "\r", t: "\t", a: "\x07", b: "\b" };

/** Python 2's repr of a str, e.g. `'a\x00\n'`. */
export function parseQuoted(line: string): string {
  const text = /^(['"])(.*)\1$/s.exec(line.trim())?.[2];
  if (text === undefined) throw damage("its pickle has a string without quotes");
  return text.replace(/\\(?:x([0-9a-f]{2})|(.))/gs, (_, hex?: string, char = "") =>
    hex === undefined ? (SIMPLE[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** Python's raw-unicode-escape, e.g. `\u00fc`. */
export function parseUnicodeEscapes(line: string): string {
  return line.replace(/\\u([0-9a-f]{4})|\\U([0-9a-f]{8})/gi, (_, short?: string, long?: string) => {
    const code = Number.parseInt(short ?? long ?? "", 16);
    if (code > 0x10ffff) throw damage("its pickle has text that is not Unicode");
    return String.fromCodePoint(code);
  });
}

/** Python's repr of a float. */
export function parseFloatText(line: string): number {
  const text = line.trim();
  const special = /^([+-]?)(inf|nan)$/i.exec(text);
  if (special?.[2]) return special[2].toLowerCase() === "nan" ? Number.NaN : infinity(special[1]);
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text))
    throw damage("its pickle has a number that is none");
  return Number(text);
}

const infinity = (sign: string | undefined): number =>
  sign === "-" ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY;
