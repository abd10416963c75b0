import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { shellWord } from "../../common/text/shellWord.js";
import { readCompiled } from "../compiledFiles.js";
import { compiledRecord } from "../paths.js";
import type { LinkedRuntime } from "../setup/installed.js";
import { recordedFiles } from "../setup/tree.js";
import type { UnpackedFile } from "../setup/unpack.js";
import type { Check } from "./check.js";

async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path), hash);
  return hash.digest("hex");
}

/** The files of which a byte is another one than set-up unpacked, or which cannot be read. */
async function changedIn(tree: string, files: readonly UnpackedFile[]): Promise<string[]> {
  const changed: string[] = [];
  for (const { path, sha256 } of files) {
    const found = await sha256Of(join(tree, path)).catch(() => undefined);
    if (found !== sha256) changed.push(path);
  }
  return changed;
}

const gigabytes = (files: readonly UnpackedFile[]): string =>
  (files.reduce((sum, { bytes }) => sum + bytes, 0) / 1e9).toFixed(1);

const check = { name: "files", title: "Its files", required: true } as const;

/** "one, two, ..." */
const some = (names: readonly string[]): string =>
  `${names.slice(0, 10).join(", ")}${names.length > 10 ? ", ..." : ""}`;

/**
 * Reads every byte of the installed libraries, and of what set-up compiled, and compares them with what set-up wrote down: a
 * disk or memory that flips a bit changes no size, and results or crashes that nobody can explain come of it.
 * @param nativeFolder where the compiled files are loaded from; undefined where there is none
 */
export async function filesCheck(
  linked: LinkedRuntime | undefined,
  nativeFolder?: string,
): Promise<Check> {
  if (linked === undefined) {
    return { ...check, ok: true, detail: "not set up by pefd; nothing to compare them with" };
  }
  const { tree, kind } = linked;
  const record = nativeFolder === undefined ? undefined : compiledRecord(nativeFolder);
  const compiled = record === undefined ? [] : (readCompiled(record) ?? []);
  const files = recordedFiles(tree, kind);
  const again = `rm -r ${shellWord(tree)}, then: pefd setup`;
  if (files.length === 0 || files.some(({ sha256 }) => sha256 === undefined)) {
    const detail = "set up by an earlier version, which wrote no checksums down";
    return { ...check, required: false, ok: false, detail, hint: again };
  }
  const changed = await changedIn(tree, files);
  const recompiled = await changedIn(dirname(record ?? ""), compiled);
  if (changed.length + recompiled.length === 0) {
    const all = [...files, ...compiled];
    const detail = `${all.length} files, ${gigabytes(all)} GB, each as set-up wrote it`;
    return { ...check, ok: true, detail };
  }
  const detail = `changed since set-up: ${some([...recompiled, ...changed])}`;
  return { ...check, ok: false, detail, hint: changed.length === 0 ? "pefd setup" : again };
}
