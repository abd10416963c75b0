import { posix } from "node:path";

/** Files that a folder may have at its own level, and lines that a file may have. */
const MOST = { files: 20, lines: 300 };

/** What is written by hand; golden numbers, data and expected output are as long as they are. */
const SOURCE = /\.(?:[cm]?[jt]sx?|cc|h|py|sh)$/;

const linesOf = (text) => text.split("\n").length - (text.endsWith("\n") ? 1 : 0);

/** Complaints about folders with more files than one can look over. */
function* judgeLevels(paths) {
  const counts = new Map();
  for (const folder of paths.map((path) => posix.dirname(path))) {
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  for (const [folder, count] of counts) {
    if (count > MOST.files) {
      yield `${folder}: ${count} files at one level, more than ${MOST.files}: give what belongs together a folder`;
    }
  }
}

/** Complaints about files that have more than one idea. */
function* judgeLengths(files) {
  for (const [path, text] of files) {
    if (SOURCE.test(path) && linesOf(text) > MOST.lines) {
      yield `${path}: ${linesOf(text)} lines, more than ${MOST.lines}: split it by idea`;
    }
  }
}

/**
 * Holds folders and files to sizes that can be looked over.
 *
 * @param {ReadonlyMap<string, string>} files text by path, with slashes
 * @returns {string[]} complaints, none where all is well
 */
export const judgeSizes = (files) => [...judgeLevels([...files.keys()]), ...judgeLengths(files)];
