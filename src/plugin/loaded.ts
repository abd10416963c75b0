import { existsSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { inputError, type PefdError } from "../common/errors.js";
import { sha256, sha256OfFile } from "../data/checksums.js";

/** Files that count of a plug-in; sets of paths only, so that threads can exchange it. */
export interface Counted {
  /** Its own files, all imported at load time; packages may load more later. */
  readonly own: ReadonlySet<string>;
  readonly files: ReadonlySet<string>;
}

/** Imports by file, as far as plug-ins lead. */
const asked = new Map<string, Set<string>>();

/** Per plug-in, once all are loaded. */
let known: readonly Counted[] | undefined;

/** A file's package folder, in node_modules. */
export const packageOf = (file: string): string | undefined =>
  file.match(/^.*\/node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/s)?.[0];

/** The package.json of a file's package; none outside of node_modules. */
function manifestOf(file: string): string[] {
  const folder = packageOf(file);
  return folder === undefined ? [] : [join(folder, "package.json")].filter((path) => existsSync(path));
}

/** Notes a file's imports from here on, recursively. */
export function noteRoot(file: string): void {
  if (!asked.has(file)) asked.set(file, new Set());
}

/** Whether plug-ins have led to a file. */
export const isNoted = (file: string): boolean => asked.has(file);

/** Number of files that plug-ins have led to. */
export const notedFiles = (): number => asked.size;

/** Whether a plug-in's file asks too late for one that does not count. */
export const isLate = (plugins: readonly Counted[], by: string, file: string): boolean =>
  plugins.some(({ own, files }) => own.has(by) && ![file, ...manifestOf(file)].some((counting) => files.has(counting)));

const lateError = (by: string, file: string): PefdError =>
  inputError(
    `${by} loads ${file} only now, and a run's plug-ins are compared by the files that are loaded with them.`,
    "Import it at the top of the plug-in, or name it in definePlugin({ files: [...] }).",
  );

/** Notes an import of a noted file. @throws inputError if too late */
export function noteLoaded(by: string, file: string): void {
  if (known !== undefined && isLate(known, by, file)) throw lateError(by, file);
  if (!asked.has(by)) return;
  asked.get(by)?.add(file);
  noteRoot(file);
}

function declaredFile(plugin: string, name: string): string {
  const file = resolve(dirname(plugin), name);
  if (statSync(file, { throwIfNoEntry: false })?.isFile()) return file;
  throw inputError(
    `The plug-in ${plugin} names ${name} in its files, and there is no file ${file}.`,
    "Name files from the plug-in's folder on, each by itself.",
  );
}

/** Files that count of a plug-in, packages' package.json among them. @param declared relative @throws inputError */
export function countedOf(plugin: string, declared: readonly string[]): Counted {
  const files = new Set([plugin, ...declared.map((name) => declaredFile(plugin, name))]);
  for (const file of files) for (const next of asked.get(file) ?? []) files.add(next);
  const own = [...files].filter((file) => [undefined, packageOf(plugin)].includes(packageOf(file)));
  for (const file of files) for (const manifest of manifestOf(file)) files.add(manifest);
  return { own: new Set(own), files };
}

/** Refuses new files of plug-ins from here on. */
export function closeLoaded(plugins: readonly Counted[]): void {
  known = plugins;
}

/** A file relative to a plug-in; packages' files are named alike wherever installed. */
function nameFrom(plugin: string, file: string): string {
  const folder = packageOf(file);
  return folder === undefined || folder === packageOf(plugin)
    ? relative(plugin, file)
    : file.slice(file.lastIndexOf("/node_modules/") + 1);
}

/** sha256 of a plug-in: of a single file as `sha256sum`, else over names and checksums of all. */
export function pluginSha256(plugin: string, { files }: Counted): string {
  if (files.size === 1) return sha256OfFile(plugin);
  const lines = Array.from(files, (file) => `${sha256OfFile(file)}  ${nameFrom(plugin, file)}`);
  return sha256(lines.sort().join("\n"));
}

// Imported with a query in place of a file asked for too late; see hooks.ts.
const { searchParams: late } = new URL(import.meta.url);
if (late.has("file")) throw lateError(late.get("by") ?? "", late.get("file") ?? "");
