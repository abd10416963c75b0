import { createHash } from "node:crypto";
import { closeSync, constants, copyFileSync, openSync, rmSync } from "node:fs";
import { join } from "node:path";
import { inputError, PefdError, runError } from "../../common/errors.js";
import { describeFailure } from "../../common/files/atomicFile.js";
import { shellWord } from "../../common/text.js";
import { LOCK, LOCK_FILE, type Owner, readStateFile } from "../../runFiles/stateFile.js";
import { codeOf, type Draft, discard, isSameFile, passingName, publish, replace, writeDraft } from "./draft.js";
import { type KernelLock, kernelLock } from "./kernelLock.js";
import { isOfThisKernel, nameOf, type Standing, standingOf } from "./owner.js";

/**
 * Replaces a lock whose process is gone. Of several processes that find it so only one does: the one that has the
 * kernel's lock on it, or, without such locks, the one that makes a file named after it.
 * @returns our lock, or undefined where the lock is changing
 * @throws inputError where its process is at work, or may be; the system's error
 */
function takeOver(draft: Draft, path: string, runDir: string): Draft | undefined {
  const file = openIfThere(path);
  if (file === undefined) return undefined;
  try {
    const kernel = kernelLock(file);
    if (!isSameFile(file, path)) return undefined;
    const owner = ownerIn(path, runDir);
    const standing = judged(owner, path, kernel);
    if (standing !== "gone") throw refusal(owner, standing, runDir);
    const isOurTurn = kernel === "held" || (kernel === "unavailable" && isFirst(draft, owner, runDir));
    return isOurTurn && isSameFile(file, path) ? replace(draft, path) : undefined;
  } finally {
    closeSync(file);
  }
}

function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
  } catch (error) {
    if (codeOf(error) === "ENOENT") return undefined;
    throw error;
  }
}

/**
 * A process that is there is at work. Of one that cannot be seen the kernel tells, if it had the kernel's lock. A lock of
 * one that is gone may be held for a moment by another that is replacing it.
 */
function judged(owner: Owner, path: string, kernel: KernelLock): Standing {
  const standing = standingOf(owner, path);
  if (standing !== "unknown") return standing;
  if (kernel === "taken") return "alive";
  return kernel === "held" && owner.held && isOfThisKernel(owner) ? "gone" : "unknown";
}

/** Whether no other process is replacing this lock. What a killed one left of its attempt is removed. */
function isFirst(draft: Draft, owner: Owner, runDir: string): boolean {
  const digest = createHash("sha256").update(JSON.stringify(owner)).digest("hex");
  const mark = passingName(runDir, digest.slice(0, 12));
  try {
    copyFileSync(draft.path, mark, constants.COPYFILE_EXCL);
    return true;
  } catch (error) {
    if (codeOf(error) !== "EEXIST") throw error;
  }
  const other = readStateFile(mark, LOCK);
  if (other.state === "whole" && standingOf(other.content, mark) === "gone") rmSync(mark);
  return false;
}

const removal = (runDir: string): string => `rm ${shellWord(join(runDir, LOCK_FILE))}, then type this again.`;

function ownerIn(path: string, runDir: string): Owner {
  const found = readStateFile(path, LOCK);
  if (found.state === "whole") return found.content;
  const why = found.state === "damaged" ? found.reason : "it is gone";
  throw inputError(
    `${path} is damaged (${why}), so a process may be working in ${runDir}.`,
    `If none is: ${removal(runDir)}`,
  );
}

function refusal(owner: Owner, standing: Standing, runDir: string): PefdError {
  return standing === "alive"
    ? inputError(
        `${nameOf(owner)} is working in ${runDir}.`,
        "Wait for it, or stop it; `pefd watch` shows how far it is.",
      )
    : inputError(
        `${nameOf(owner)} is working in ${runDir}, or was killed there.`,
        `Wait for it, or stop it there. If it is gone: ${removal(runDir)}`,
      );
}

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
const pause = (): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);

function guarded<Result>(runDir: string, action: () => Result): Result {
  try {
    return action();
  } catch (error) {
    if (error instanceof PefdError) throw error;
    throw runError(`The folder ${runDir} cannot be claimed: ${describeFailure(error as NodeJS.ErrnoException)}.`);
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
