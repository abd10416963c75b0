import { readInputText } from "../../common/files/inputFile.js";

/** CIFAR-100's names take about 1,000 bytes. */
const MAX_FILE_BYTES = 2 ** 16;

/** The names of classes in a text file, one a line; their numbers where it does not tell as many as there are. */
export function namesFrom(file: string, classes: number): readonly string[] {
  const lines = linesIn(file);
  return lines.length === classes ? lines : numbersOf(classes);
}

/** "0", "1" and so on. */
export const numbersOf = (classes: number): readonly string[] =>
  Array.from({ length: classes }, (_, label) => String(label));

function linesIn(file: string): string[] {
  try {
    const lines = readInputText(file, { maxBytes: MAX_FILE_BYTES }).split("\n");
    return lines.map((line) => line.trim()).filter((line) => line !== "");
  } catch {
    return []; // names are a courtesy; images can be evaluated without them
  }
}
