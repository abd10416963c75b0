import { join } from "node:path";
import { readInputText } from "../../common/inputFile.js";
import { FINE_CLASSES, FINE_NAMES_FILE } from "./records.js";

/** CIFAR-100's names take about 1,000 bytes. */
const MAX_FILE_BYTES = 2 ** 16;

/** The names of the fine classes in a data folder; their numbers where the folder does not tell. */
export function fineClassNames(directory: string): string[] {
  const lines = namesIn(join(directory, FINE_NAMES_FILE));
  if (lines.length === FINE_CLASSES) return lines;
  return Array.from({ length: FINE_CLASSES }, (_, label) => String(label));
}

function namesIn(file: string): string[] {
  try {
    const lines = readInputText(file, { maxBytes: MAX_FILE_BYTES }).split("\n");
    return lines.map((line) => line.trim()).filter((line) => line !== "");
  } catch {
    return []; // names are a courtesy; images can be evaluated without them
  }
}
