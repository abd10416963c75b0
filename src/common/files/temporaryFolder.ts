import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environmentError } from "../errors.js";
import { isGone, ownMark } from "../processMark.js";
import { describeFailure } from "./writeError.js";

/** What mkdtemp adds to a name. */
const RANDOM = /-[A-Za-z0-9]{6}$/;

/** Removes the folders of such a name that killed processes left; those of others stay where we may not touch them. */
function removeLeftovers(parent: string, start: string): void {
  for (const name of readdirSync(parent)) {
    const isLeft = name.startsWith(start) && isGone(name.slice(start.length).replace(RANDOM, ""));
    if (isLeft) tryRemove(join(parent, name));
  }
}

function tryRemove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true });
  } catch {
    // Another user's.
  }
}

function make(parent: string, start: string): string {
  try {
    removeLeftovers(parent, start);
    return mkdtempSync(join(parent, `${start}${ownMark()}-`));
  } catch (error) {
    const reason = describeFailure(error as NodeJS.ErrnoException);
    throw environmentError(
      `The folder for temporary files, ${parent}, cannot be used: ${reason}.`,
      "Set TMPDIR to a folder that is there and has room.",
    );
  }
}

/**
 * Does work with a temporary folder, which is removed afterwards; one that a SIGKILL leaves is removed by the next
 * process that makes one of this name.
 * @param name what it is for: letters and dashes
 * @throws environmentError where no such folder can be made
 */
export function withTemporaryFolder<Result>(
  name: string,
  work: (folder: string) => Result,
): Result {
  const folder = make(tmpdir(), `pefd-${name}-`);
  try {
    return work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
