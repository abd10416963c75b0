import { closeSync, constants, fstatSync, openSync, readSync, type Stats, statSync } from "node:fs";
import { inputError } from "../errors.js";
import { describeFailure } from "./atomicFile.js";

/** Linux reads at most about 2 GiB per call. */
const MOST_AT_ONCE = 2 ** 30;

const KINDS: readonly (readonly [is: (stats: Stats) => boolean, kind: string])[] = [
  [(stats) => stats.isDirectory(), "a folder"],
  [(stats) => stats.isFIFO(), "a pipe"],
  [(stats) => stats.isSocket(), "a socket"],
  [(stats) => stats.isCharacterDevice() || stats.isBlockDevice(), "a device"],
];

export type FileBounds = { readonly maxBytes: number; readonly hint?: string | undefined };

function checkFile(path: string, stats: Stats, { maxBytes, hint }: FileBounds): void {
  const [, kind] = KINDS.find(([is]) => is(stats)) ?? [];
  if (kind !== undefined) throw inputError(`${path} is ${kind}, not a regular file.`, hint);
  if (stats.size <= maxBytes) return;
  throw inputError(`${path} has ${stats.size} bytes; the limit is ${maxBytes}.`, hint);
}

/** Bytes of an untrusted regular file; pipes, which may block, are refused. @throws inputError, or the system's error */
export function readInputFile(path: string, bounds: FileBounds): Uint8Array<ArrayBuffer> {
  checkFile(path, statSync(path), bounds);
  // If it has become a pipe meanwhile, this does not wait for a writer.
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(file);
    checkFile(path, stats, bounds);
    return readWhole(file, stats.size);
  } finally {
    closeSync(file);
  }
}

/** As many bytes as at opening, or fewer where it was truncated meanwhile. */
function readWhole(file: number, size: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(size);
  let filled = 0;
  while (filled < size) {
    const read = readSync(file, bytes, filled, Math.min(size - filled, MOST_AT_ONCE), null);
    if (read === 0) return bytes.slice(0, filled);
    filled += read;
  }
  return bytes;
}

/** Rethrows system errors (permission, too many open files) as inputError, which say nothing of the content. */
export function throwIfRefused(path: string, error: unknown): void {
  if ((error as NodeJS.ErrnoException).syscall === undefined) return;
  throw inputError(`${path} cannot be read: ${describeFailure(error as NodeJS.ErrnoException)}.`);
}

/** The text (UTF-8) of a file; see readInputFile. */
export const readInputText = (path: string, bounds: FileBounds): string =>
  Buffer.from(readInputFile(path, bounds).buffer).toString("utf8");
