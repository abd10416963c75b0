import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { runError } from "../../common/errors.js";

/** A file that only grows, by whole records. */
export interface AppendOnlyFile {
  /** Adds one record in one write, so that a reader sees all of it or nothing. */
  append(record: Uint8Array): void;
  /** Returns once what was appended is on the disk. */
  flush(): void;
  close(): void;
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC") return "the disk is full";
  if (code === "EROFS") return "the file system is read-only";
  if (code === "EACCES" || code === "EPERM") return "no permission to write it";
  return message;
}

/**
 * Runs an action that writes `path`.
 * @throws runError for whatever the file system refuses: what, why, and what to do
 */
export function guardWrites<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw runError(
      `${path} could not be written: ${reason(error)}.`,
      "Make room or choose another place; what was written before is intact.",
    );
  }
}

function appendWhole(descriptor: number, record: Uint8Array): void {
  const size = fstatSync(descriptor).size;
  try {
    let written = 0;
    while (written < record.length) written += writeSync(descriptor, record, written);
  } catch (error) {
    takeBack(descriptor, size);
    throw error;
  }
}

/** Cuts off half a record; where even that fails, the first error is the one worth telling. */
function takeBack(descriptor: number, size: number): void {
  try {
    ftruncateSync(descriptor, size);
  } catch {}
}

/**
 * Opens a file for appending; it is made when missing.
 * @throws runError naming the file and the reason (a full disk) from every function; half a record is taken back
 */
export function openAppendOnly(path: string): AppendOnlyFile {
  const guarded = <T>(action: () => T) => guardWrites(path, action);
  const descriptor = guarded(() => openSync(path, "a"));
  return {
    append: (record) => guarded(() => appendWhole(descriptor, record)),
    flush: () => guarded(() => fsyncSync(descriptor)),
    close: () => guarded(() => closeSync(descriptor)),
  };
}
