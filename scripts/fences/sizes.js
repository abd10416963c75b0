/** Lines that a file may have. */
const MOST_LINES = 600;

/** What is written by hand; golden numbers, data and expected output are as long as they are. */
const SOURCE = /\.(?:[cm]?[jt]sx?|cc|h|py|sh)$/;

const linesOf = (text) => text.split("\n").length - (text.endsWith("\n") ? 1 : 0);

/**
 * Holds files to a length that can be looked over.
 *
 * @param {ReadonlyMap<string, string>} files text by path, with slashes
 * @returns {string[]} complaints, none where all is well
 */
export const judgeSizes = (files) =>
  [...files]
    .filter(([path, text]) => SOURCE.test(path) && linesOf(text) > MOST_LINES)
    .map(([path, text]) => `${path}: ${linesOf(text)} lines, more than ${MOST_LINES}: split it by idea`);
