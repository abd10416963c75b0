/** Widths of letters in shares of the font's size, by the widest of the fonts that systems show plots in (DejaVu Sans, Verdana). */
const NARROW = 0.4;
const USUAL = 0.65;
const CAPITAL = 0.78;
const WIDEST = 1.02;

/** How wide a letter is at most, in shares of the font's size. */
function letterWidth(letter: string): number {
  if (/[ijlt.,:;'|!()[\]\s/]/.test(letter)) return NARROW;
  if (/[mwMW@%]/.test(letter)) return WIDEST;
  if (/[A-Z+=<>~±→]/.test(letter)) return CAPITAL;
  return letter > "\u024f" ? WIDEST : USUAL;
}

/**
 * The width of a line of text in pixels: what no usual font exceeds, for a plot is drawn where no font can be measured
 * and shown in whatever font its reader has.
 * @param size of the font, in pixels
 */
export const textWidth = (text: string, size: number, bold = false): number =>
  [...text].reduce((sum, letter) => sum + letterWidth(letter), 0) * size * (bold ? 1.1 : 1);

/** Pieces of a word that each fit a line. */
function broken(word: string, width: number, size: number): string[] {
  const pieces = [""];
  for (const letter of word) {
    const last = pieces[pieces.length - 1] ?? "";
    if (last !== "" && textWidth(last + letter, size) > width) pieces.push(letter);
    else pieces[pieces.length - 1] = last + letter;
  }
  return pieces;
}

/**
 * Lines of a text that each fit a width, parted at blanks, in the middle of a word where it alone is too long.
 * @param width in pixels
 * @param size of the font, in pixels
 */
export function wrapped(text: string, width: number, size: number): string[] {
  const lines: string[] = [];
  for (const piece of text.split(" ").flatMap((word) => broken(word, width, size))) {
    const longer = lines.length === 0 ? piece : `${lines[lines.length - 1]} ${piece}`;
    if (lines.length > 0 && textWidth(longer, size) <= width) lines[lines.length - 1] = longer;
    else lines.push(piece);
  }
  return lines;
}
