/** Words that the project had for what the field has words for: a phrase each, as a regular expression. */
const OLD_WORDS = [
  "whole numbers of 16",
  "units? for matrices",
  "products of pairs",
  "products of 16 bits",
  "parts of a job",
  "version [0-9]+ of the numbers",
  "nearest cache",
  "narrow images",
  "restVelocities",
  "keepApart",
  "keptApart",
  "hideConstants",
  "Temptation",
  "sign of life",
  "files of strangers",
  "plan rows",
];

/** Between two words of a phrase: white space, or the end of a line and the sign that begins the next comment line. */
const GAP = String.raw`\s+(?:(?:\/\/|\*|#)\s+)?`;
const PATTERN = new RegExp(OLD_WORDS.map((phrase) => phrase.replaceAll(" ", GAP)).join("|"), "gi");

/**
 * Refuses the old words; CONTRIBUTING.md says which words to use.
 *
 * @param {ReadonlyMap<string, string>} files text by path
 * @returns {string[]} complaints, none where all is well
 */
export const judgeWords = (files) =>
  [...files].flatMap(([path, text]) =>
    [...text.matchAll(PATTERN)].map(({ 0: found, index }) => {
      const line = text.slice(0, index).split("\n").length;
      return `${path}:${line}: "${found.replaceAll(/\s+/g, " ")}" is not the field's word`;
    }),
  );
