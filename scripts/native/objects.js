import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync, utimesSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

// A content-addressed cache of object files, shared by changed sources, flags and scratch copies.

/** Files unused for longer are deleted. */
const UNUSED_MILLISECONDS = 3 * 24 * 3600 * 1000;

const INCLUDE = /^#include "([^"]+)"/gm;

export const digestOfText = (text) => createHash("sha256").update(text).digest("hex").slice(0, 16);

/** A source and the headers that it includes with quotes, transitively. */
function closure(file, found = new Map()) {
  if (found.has(file)) return found;
  const text = readFileSync(file, "utf8");
  found.set(file, text);
  for (const [, path] of text.matchAll(INCLUDE)) closure(resolve(dirname(file), path), found);
  return found;
}

/** A digest of a source, its headers and the compiler flags. */
export const digestOf = (file, flags) => digestOfText(JSON.stringify([flags, ...closure(file).values()]));

export function markUsed(files) {
  const now = new Date();
  for (const file of files) utimesSync(file, now, now);
}

/** Deletes files that were not used for days. */
export function forgetUnused(folder) {
  for (const name of readdirSync(folder)) {
    const file = join(folder, name);
    if (Date.now() - statSync(file).mtimeMs > UNUSED_MILLISECONDS) rmSync(file);
  }
}
