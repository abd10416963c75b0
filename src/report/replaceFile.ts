import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { guardWrites } from "./appendOnly.js";

function writeSynced(path: string, text: string): void {
  const descriptor = openSync(path, "w");
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes a whole text file so that it is there complete or not at all; folders above it are made when missing.
 * @throws runError naming the file and the reason; what stood there before is then untouched
 */
export function replaceFile(path: string, text: string): void {
  // One name for all processes: what a killed one left is overwritten by the next.
  const temporary = `${path}.tmp`;
  guardWrites(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    try {
      writeSynced(temporary, text);
      renameSync(temporary, path);
    } catch (error) {
      rmSync(temporary, { force: true });
      throw error;
    }
  });
}
