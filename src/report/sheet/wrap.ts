/** Wide characters: those of East Asia, and pictures. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\u{1f000}-\u{3ffff}]/u;
const NARROW = /[ .,:;'!|()[\]{}/\\ijlrtfI-]/;
const BROAD = /[A-Z@%&mwMW_]/;

/** Width of a character over the size of its font: no less than in usual fonts without serifs. */
function widthOf(char: string): number {
  if (WIDE.test(char)) return 1.1;
  if (NARROW.test(char)) return 0.45;
  return BROAD.test(char) ? 1 : 0.65;
}

/** Width of a text over the size of its font, rather too much than too little. */
export const textWidth = (text: string): number =>
  [...text].reduce((sum, char) => sum + widthOf(char), 0);

/** Pieces of a word none of which is wider than a line. */
function pieces(word: string, most: number): string[] {
  const found: string[] = [];
  let piece = "";
  for (const char of word) {
    if (piece !== "" && textWidth(piece + char) > most) {
      found.push(piece);
      piece = "";
    }
    piece += char;
  }
  return [...found, piece];
}

/**
 * Lines of a text, broken at blanks, and within a word where it is longer than a line: nothing is cut off.
 * @param most width of a line over the size of its font
 */
export function wrapped(text: string, most: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ").flatMap((each) => pieces(each, most))) {
    const last = lines.at(-1);
    const longer = `${last} ${word}`;
    if (last === undefined || textWidth(longer) > most) lines.push(word);
    else lines[lines.length - 1] = longer;
  }
  return lines;
}
