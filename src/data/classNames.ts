import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FINE_CLASSES, FINE_NAMES_FILE } from "./records.js";

/** The names of the fine classes in a data folder; their numbers where the folder does not tell. */
export function fineClassNames(directory: string): string[] {
  const lines = namesIn(join(directory, FINE_NAMES_FILE));
  if (lines.length === FINE_CLASSES) return lines;
  return Array.from({ length: FINE_CLASSES }, (_, label) => String(label));
}

function namesIn(file: string): string[] {
  try {
    const lines = readFileSync(file, "utf8").split("\n");
    return lines.map((line) => line.trim()).filter((line) => line !== "");
  } catch {
    return []; // names are a courtesy; images can be evaluated without them
  }
}
