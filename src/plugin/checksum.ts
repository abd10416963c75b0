import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";

/** Files that a file names as its own: `from "./loss.js"`, `import("../data/list.json")`. */
const RELATIVE = /(?:\bfrom|\bimport|\brequire)\s*\(?\s*["'](\.{1,2}\/[^"'\n]+)["']/g;

/** A file and what it imports by relative paths, and so on, each once. */
function withImports(file: string, seen = new Map<string, Buffer>()): Map<string, Buffer> {
  if (seen.has(file)) return seen;
  const content = readFileSync(file);
  seen.set(file, content);
  for (const [, path = ""] of content.toString("utf8").matchAll(RELATIVE)) {
    const target = resolve(dirname(file), path);
    if (statSync(target, { throwIfNoEntry: false })?.isFile()) withImports(target, seen);
  }
  return seen;
}

/**
 * sha256 of a plug-in: of its file, as `sha256sum` gives it; where the file imports others by relative paths, over the names
 * and checksums of all of them.
 * @param file its path, absolute
 */
export function pluginFileSha256(file: string): string {
  const sha256 = (content: string | Buffer) => createHash("sha256").update(content).digest("hex");
  const files = [...withImports(file)];
  const [[, only] = [], ...others] = files;
  if (others.length === 0) return sha256(only ?? "");
  const lines = files.map(([path, content]) => `${sha256(content)}  ${relative(file, path)}`);
  return sha256(lines.sort().join("\n"));
}
