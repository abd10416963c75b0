import { existsSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { inputError, type PefdError } from "../common/errors.js";
import { sha256, sha256OfFile } from "../data/checksums.js";

/** What counts of a plug-in; sets of paths alone, so that another thread can be sent it. */
export interface Counted {
  /** Its own files, whose imports have to be known when it is loaded; those of packages may load more of theirs later. */
  readonly own: ReadonlySet<string>;
  /** All files that count. */
  readonly files: ReadonlySet<string>;
}

/** Of each file that plug-ins have led to, those that it asked for itself. */
const asked = new Map<string, Set<string>>();

/** What counts of each plug-in, once all are loaded. */
let known: readonly Counted[] | undefined;

/** The folder of the package that a file is of, where it lies in node_modules. */
export const packageOf = (file: string): string | undefined =>
  file.match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/s)?.[0];

/** The file that has the version of the package that a file is of; none for files outside of node_modules. */
function manifestOf(file: string): string[] {
  const folder = packageOf(file);
  return folder === undefined ? [] : [join(folder, "package.json")].filter((path) => existsSync(path));
}

/** From here on what a file asks for is noted, and what that asks for. */
export function noteRoot(file: string): void {
  if (!asked.has(file)) asked.set(file, new Set());
}

/** Whether plug-ins have led to a file. */
export const isNoted = (file: string): boolean => asked.has(file);

/** How many files plug-ins have led to. */
export const notedFiles = (): number => asked.size;

/** Whether a plug-in's file asks for one that does not count, when it is too late for that. */
export const isLate = (plugins: readonly Counted[], by: string, file: string): boolean =>
  plugins.some(({ own, files }) => own.has(by) && ![file, ...manifestOf(file)].some((counting) => files.has(counting)));

/** What is said of it. */
const lateError = (by: string, file: string): PefdError =>
  inputError(
    `${by} loads ${file} only now, and a run's plug-ins are compared by the files that are loaded with them.`,
    "Import it at the top of the plug-in, or name it in definePlugin({ files: [...] }).",
  );

/**
 * Notes that a file asks for another; nothing where plug-ins have not led to the first one.
 * @throws inputError where that is too late
 */
export function noteLoaded(by: string, file: string): void {
  if (known !== undefined && isLate(known, by, file)) throw lateError(by, file);
  if (!asked.has(by)) return;
  asked.get(by)?.add(file);
  noteRoot(file);
}

/** @throws inputError for a declared file that is not there or is no file */
function declaredFile(plugin: string, name: string): string {
  const file = resolve(dirname(plugin), name);
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  throw inputError(
    `The plug-in ${plugin} names ${name} in its files, and there is no file ${file}.`,
    "Name files from the plug-in's folder on, each by itself.",
  );
}

/**
 * What counts of a plug-in: its file, what the loader loaded for it, and the files that it declares; of packages in
 * node_modules their package.json, too. The program's own files are none of them.
 * @param plugin its file, absolute
 * @param declared names from its folder on
 * @throws inputError for a declared file that is not there
 */
export function countedOf(plugin: string, declared: readonly string[]): Counted {
  const files = new Set([plugin, ...declared.map((name) => declaredFile(plugin, name))]);
  for (const file of files) for (const next of asked.get(file) ?? []) files.add(next);
  const own = [...files].filter((file) => [undefined, packageOf(plugin)].includes(packageOf(file)));
  for (const file of files) for (const manifest of manifestOf(file)) files.add(manifest);
  return { own: new Set(own), files };
}

/** From here on a plug-in may load nothing else. */
export function closeLoaded(plugins: readonly Counted[]): void {
  known = plugins;
}

/** A file as seen from a plug-in; one of a package is called the same wherever that is installed. */
function nameFrom(plugin: string, file: string): string {
  const folder = packageOf(file);
  return folder === undefined || folder === packageOf(plugin)
    ? relative(plugin, file)
    : file.slice(file.lastIndexOf("/node_modules/") + 1);
}

/**
 * sha256 of a plug-in: of its file, as `sha256sum` gives it, where no other counts; else over the names and checksums of all.
 * @param plugin its file, absolute
 */
export function pluginSha256(plugin: string, { files }: Counted): string {
  if (files.size === 1) return sha256OfFile(plugin);
  const lines = Array.from(files, (file) => `${sha256OfFile(file)}  ${nameFrom(plugin, file)}`);
  return sha256(lines.sort().join("\n"));
}

// Imported with a query in the place of a file that is asked for too late: hooks.ts says why.
const { searchParams: late } = new URL(import.meta.url);
if (late.has("file")) throw lateError(late.get("by") ?? "", late.get("file") ?? "");
