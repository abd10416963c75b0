import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

// Compiled files are named by what they are compiled from, so that changed sources, flags and scratch copies of the
// sources share a folder.

/** Files that were not used for so long are deleted. */
const UNUSED_MILLISECONDS = 3 * 24 * 3600 * 1000;

const INCLUDE = /^#include "([^"]+)"/gm;

/** Short, and different for different text. */
export const digestOfText = (text) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** A source and all headers that it includes by a path of its own. */
function closure(file, found = new Map()) {
  if (found.has(file)) return found;
  const text = readFileSync(file, "utf8");
  found.set(file, text);
  for (const [, path] of text.matchAll(INCLUDE)) closure(resolve(dirname(file), path), found);
  return found;
}

/** A digest of a source, of the headers that it includes, and of what the compiler is told. */
export const digestOf = (file, flags) => digestOfText(JSON.stringify([flags, ...closure(file).values()]));

/** Notes that files are needed now. */
export function markUsed(files) {
  const now = new Date();
  for (const file of files) utimesSync(file, now, now);
}

/** Deletes what nobody has needed for days. */
export function forgetUnused(folder) {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (Date.now() - statSync(file).mtimeMs > UNUSED_MILLISECONDS) rmSync(file);
  }
}
