import { inputError } from "./errors.js";
import { cleanLine } from "./text.js";

/** Limits on untrusted JSON, so that later code does not run out of stack or memory. */
export interface JsonBounds {
  readonly depth: number;
  /** Values in total, nested ones included. */
  readonly values: number;
}

export const FILE_BOUNDS: JsonBounds = { depth: 32, values: 100_000 };

/** JSON.parse of untrusted text. @throws inputError, a clause without a subject, for invalid or oversized JSON */
export function parseBoundedJson(text: string, bounds: JsonBounds = FILE_BOUNDS): unknown {
  checkBounds(text, bounds);
  try {
    return JSON.parse(text);
  } catch (error) {
    throw inputError(`is not JSON (${cleanLine((error as Error).message)})`);
  }
}

const [QUOTE, BACKSLASH, COMMA] = [0x22, 0x5c, 0x2c];
const OPENING: ReadonlySet<number> = new Set([0x5b, 0x7b]);
const CLOSING: ReadonlySet<number> = new Set([0x5d, 0x7d]);

/** Counts brackets and commas outside of strings; JSON.parse checks whether they match. */
function checkBounds(text: string, { depth, values }: JsonBounds): void {
  let [open, counted] = [0, 1];
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) at = endOfString(text, at);
    else if (CLOSING.has(code)) open--;
    else if (code === COMMA || OPENING.has(code)) counted++;
    if (OPENING.has(code) && ++open > depth) throw inputError(`is nested deeper than ${depth} levels`);
    if (counted > values) throw inputError(`holds more than ${values} values`);
  }
}

function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at++;
  }
  return text.length;
}
