import { mkdirSync, statSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { inputError, type PefdError, runError } from "../errors.js";
import { describeFailure, isInputFailure } from "./writeError.js";

/** The folders of a path that are missing, the outermost first. @throws the system's error where a file is in the way */
function missingFolders(path: string): string[] {
  const missing: string[] = [];
  for (let folder = resolve(path); ; folder = dirname(folder)) {
    if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return missing.reverse();
    missing.push(folder);
    if (folder === dirname(folder)) return missing.reverse();
  }
}

function makeOne(folder: string): void {
  try {
    mkdirSync(folder);
  } catch (error) {
    const isThere = statSync(folder, { throwIfNoEntry: false })?.isDirectory();
    if (!isThere) throw error; // unless another process was faster
  }
}

function failed(path: string, error: NodeJS.ErrnoException): PefdError {
  const reasons: Readonly<Record<string, string>> = {
    ENOENT: "this place takes no folders",
    EEXIST: "a file is in the way",
    ENOTDIR: "a file is in the way",
  };
  const reason = reasons[error.code ?? ""] ?? describeFailure(error);
  const fail = error.code === "EEXIST" || isInputFailure(error) ? inputError : runError;
  return fail(`The folder ${path} cannot be made: ${reason}.`);
}

/**
 * Makes a folder and those above it where they are missing. Node.js's own recursive mkdir never returns where a folder
 * is there and takes no other, as below /proc.
 * @throws inputError where a file is in the way or the place takes no folders; runError where the disk refuses
 */
export function makeFolder(path: string): void {
  try {
    for (const folder of missingFolders(path)) makeOne(folder);
  } catch (error) {
    throw failed(path, error as NodeJS.ErrnoException);
  }
}
