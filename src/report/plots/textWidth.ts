import { wrapWords } from "../../common/text.js";

/** Letter widths in shares of the font's size, by the widest of usual plot fonts (DejaVu Sans, Verdana). */
const NARROW = 0.4;
const USUAL = 0.65;
const CAPITAL = 0.78;
const WIDEST = 1.02;

function letterWidth(letter: string): number {
  if (/[ijlt.,:;'|!()[\]\s/]/.test(letter)) return NARROW;
  if (/[mwMW@%]/.test(letter)) return WIDEST;
  if (/[A-Z+=<>~±→]/.test(letter)) return CAPITAL;
  return letter > "\u024f" ? WIDEST : USUAL;
}

/** An upper bound of a line's width in pixels: the reader's font is unknown. `size` is the font's, in pixels. */
export const textWidth = (text: string, size: number, bold = false): number =>
  [...text].reduce((sum, letter) => sum + letterWidth(letter), 0) * size * (bold ? 1.1 : 1);

function broken(word: string, width: number, size: number): string[] {
  const pieces = [""];
  for (const letter of word) {
    const last = pieces[pieces.length - 1] ?? "";
    if (last !== "" && textWidth(last + letter, size) > width) pieces.push(letter);
    else pieces[pieces.length - 1] = last + letter;
  }
  return pieces;
}

/** Text wrapped to `width` pixels at blanks, within a word where it alone is too long; `size` of the font in pixels. */
export function wrapped(text: string, width: number, size: number): string[] {
  const pieces = text.split(" ").flatMap((word) => broken(word, width, size));
  return wrapWords(pieces.join(" "), width, (line) => textWidth(line, size));
}
