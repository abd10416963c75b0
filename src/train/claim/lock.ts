import { closeSync, rmSync } from "node:fs";
import { join } from "node:path";
import { inputError, PefdError, runError } from "../../common/errors.js";
import { describeFailure } from "../../common/files/writeError.js";
import { LOCK, LOCK_FILE } from "../../runFiles/lockFile.js";
import { readStateFile } from "../../runFiles/stateFile.js";
import { type Draft, discard, isSameFile, publish, writeDraft } from "./draft.js";
import { standingOf } from "./owner.js";
import { takeOver } from "./takeOver.js";

/** A run's folder that is this process's. */
export interface FolderLock {
  /** The folder was renamed, and the lock in it. */
  moved(runDir: string): void;
  /** Gives the folder back; safe to call twice. */
  release(): void;
}

const ATTEMPTS = 50;
const PAUSE_MS = 20;

/**
 * Claims a run's folder for this process. The lock appears whole or not at all, and the kernel keeps it for as long as
 * this process lives, where it can (docs/adr/0008). A lock of a process that is surely gone is taken over.
 * @param runDir must exist
 * @throws inputError that names the process at work there, or one of which nobody can tell from here; runError where
 * the folder cannot be written
 */
export function lockRunFolder(runDir: string): FolderLock {
  const path = join(runDir, LOCK_FILE);
  const draft = guarded(runDir, () => writeDraft(runDir));
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const own = guarded(runDir, () => publish(draft, path) ?? takeOver(draft, path, runDir));
      if (own !== undefined) return heldLock(own, path);
      pause();
    }
    throw inputError(`Other processes are starting in ${runDir}.`, "Wait for them, or stop them.");
  } catch (error) {
    discard(draft);
    throw error;
  }
}

/** Only processes that start in the same moment are waited for. */
const pause = (): void =>
  void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);

function guarded<Result>(runDir: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof PefdError) throw error;
    throw runError(
      `The folder ${runDir} cannot be claimed: ${describeFailure(error as NodeJS.ErrnoException)}.`,
    );
  }
}

function heldLock({ file }: Draft, path: string): FolderLock {
  let [at, isOpen] = [path, true];
  return {
    moved(runDir) {
      at = join(runDir, LOCK_FILE);
    },
    release() {
      if (!isOpen) return;
      isOpen = false;
      try {
        // A lock by which somebody else took the folder over stays.
        if (isSameFile(file, at)) rmSync(at, { force: true });
      } catch {
        // A disk that refuses leaves a lock that the kernel no longer keeps: the next process takes it over.
      } finally {
        closeSync(file);
      }
    },
  };
}

/** The number of the process that works in a run's folder, where that can be told by its number; undefined elsewhere. */
export function workingProcess(runDir: string): number | undefined {
  const path = join(runDir, LOCK_FILE);
  const found = readStateFile(path, LOCK);
  if (found.state !== "whole") return undefined;
  return standingOf(found.content, path) === "alive" ? found.content.pid : undefined;
}
