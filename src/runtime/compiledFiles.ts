import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { environmentError } from "../common/errors.js";
import { shellWord } from "../common/text.js";
import type { Environment } from "./gpu/types.js";
import { bindingFile, compiledRecord, ownModuleFile } from "./paths.js";
import { fileSize, lookAt } from "./setup/files.js";
import { linkedRuntime, missingFiles } from "./setup/tree.js";

// A library that is truncated ends the process that loads it (SIGBUS), so sizes are compared before anything is loaded.
// Bytes are compared by setup and by `pefd doctor --deep`.

export interface CompiledFile {
  /** In the folder of compiled files. */
  readonly path: string;
  readonly bytes: number;
  /** Hexadecimal. */
  readonly sha256: string;
}

/** The value of PEFD_CONVOLUTIONS with which every op is TensorFlow's, and our own module is not needed. */
export const THEIRS = "tensorflow";

const isCompiledFile = (file: Partial<CompiledFile> | null): boolean =>
  typeof file?.path === "string" && typeof file.bytes === "number" && typeof file.sha256 === "string";

/** @returns undefined where setup has not ended, or before 0.2 @throws environmentError where it may not be read */
export function readCompiled(record: string): readonly CompiledFile[] | undefined {
  if (fileSize(record) === undefined) return undefined;
  const text = lookAt(record, () => readFileSync(record, "utf8"));
  try {
    const { files } = JSON.parse(text) as { files: CompiledFile[] };
    return files.every(isCompiledFile) ? files : undefined;
  } catch {
    return undefined;
  }
}

/** @throws environmentError where this user may not read it */
function described(folder: string, path: string): CompiledFile {
  const file = join(folder, path);
  const content = lookAt(file, () => readFileSync(file));
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { path, bytes: content.length, sha256 };
}

/** Writes down what setup has compiled. @param names of the files, which lie in the record's folder */
export function writeCompiled(record: string, names: readonly string[]): void {
  const files = names.map((name) => described(dirname(record), name));
  writeFileSync(record, `${JSON.stringify({ files }, undefined, 2)}\n`);
}

/** Whether files match the record next to them. */
export function areCompiled(record: string, names: readonly string[]): boolean {
  const files = readCompiled(record) ?? [];
  const isWhole = (name: string): boolean => {
    const file = files.find(({ path }) => path === name);
    if (file === undefined || fileSize(join(dirname(record), name)) !== file.bytes) return false;
    return described(dirname(record), name).sha256 === file.sha256;
  };
  return names.every(isWhole);
}

interface Damage {
  readonly path: string;
  /** A clause that names the file. */
  readonly words: string;
}

/** Compiled files of a wrong size; undefined without a record. */
export function compiledDamage(nativeFolder: string): readonly Damage[] | undefined {
  const folder = dirname(bindingFile(nativeFolder));
  return readCompiled(compiledRecord(nativeFolder))?.flatMap(({ path, bytes }) => {
    const found = fileSize(join(folder, path));
    if (found === bytes) return [];
    const words = found === undefined ? "is missing" : `has ${found} bytes instead of ${bytes}`;
    return [{ path, words: `${join(folder, path)} ${words}` }];
  });
}

const isHeader = (path: string): boolean => path.startsWith("include/");

/** Refuses an installation with a file missing or not of its size, before one is loaded. @throws environmentError */
export function refuseDamaged(nativeFolder: string, env: Environment): void {
  const compiled = compiledDamage(nativeFolder);
  if (compiled === undefined) {
    throw environmentError(
      "pefd's installation is incomplete: setup was interrupted, or is from an earlier version.",
      "Type: pefd setup",
    );
  }
  const unneeded = env.PEFD_CONVOLUTIONS === THEIRS ? basename(ownModuleFile("")) : undefined;
  const linked = linkedRuntime(nativeFolder);
  const libraries = linked ? missingFiles(linked.tree, linked.kind) : [];
  const words = [
    ...compiled.filter(({ path }) => path !== unneeded).map((damage) => damage.words),
    ...libraries
      .filter((path) => !isHeader(path))
      .map((path) => `${join(linked?.tree ?? "", path)} is missing or truncated`),
  ];
  if (words.length === 0) return;
  const more = words.length > 3 ? `; and ${words.length - 3} more` : "";
  throw environmentError(
    `Installed files of pefd are damaged: ${words.slice(0, 3).join("; ")}${more}.`,
    "Type: pefd setup",
  );
}

/** Hint for a compiled file of the right size that does not load: plain setup would keep it. */
export const compileAgain = (nativeFolder: string): string =>
  `To compile it again, type: rm -f ${shellWord(compiledRecord(nativeFolder))}, then: pefd setup`;
