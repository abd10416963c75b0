import { cpSync, mkdirSync, readdirSync, readlinkSync, rmSync, symlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { dependencies } from "#pefd/runtime/paths.js";
import { ROOT } from "../../helpers/paths.js";

const PACKAGE = "node_modules/@tensorflow/tfjs-node-gpu";

/** What a copy of the project needs to run, and to check itself. */
const COPIED = [
  "bin",
  "configs",
  "dist",
  "scripts",
  "src",
  "test/golden",
  "dist-test/golden",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];

/** Links to everything in a folder, but for one entry. */
function linkAll(from: string, to: string, except: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from)) {
    if (name !== except) symlinkSync(join(from, name), join(to, name));
  }
}

/**
 * A copy of this checkout that uses another build of TensorFlow: everything but its link to that build is the same.
 * The package with the binding is copied, since the binding looks for TensorFlow from where it really lies; all other
 * packages are links.
 * @param folder an empty folder
 * @param tree the build of TensorFlow
 */
export function installWith(folder: string, tree: string): void {
  linkAll(join(ROOT, "node_modules"), join(folder, "node_modules"), "@tensorflow");
  const packages = "node_modules/@tensorflow";
  linkAll(join(ROOT, packages), join(folder, packages), "tfjs-node-gpu");
  cpSync(join(ROOT, PACKAGE), join(folder, PACKAGE), {
    recursive: true,
    filter: (source) => source !== dependencies(join(ROOT, PACKAGE)),
  });
  symlinkSync(tree, dependencies(join(folder, PACKAGE)));
  for (const name of COPIED) {
    cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  }
}

/** Makes such a copy use another build from now on. */
export function useTree(folder: string, tree: string): void {
  const link = dependencies(join(folder, PACKAGE));
  rmSync(link);
  symlinkSync(tree, link);
}

/**
 * A build of TensorFlow like another one, but for some files. What it has are links; libraries are looked for beside
 * the link, not beside what it leads to.
 * @param from the build
 * @param to where it goes: a folder that is not there yet, with the same last name
 * @param isMissing told a file's path in the build
 */
export function treeWithout(from: string, to: string, isMissing: (path: string) => boolean): void {
  for (const entry of readdirSync(from, { recursive: true, withFileTypes: true })) {
    const source = join(entry.parentPath, entry.name);
    const path = relative(from, source);
    if (entry.isDirectory() || isMissing(path)) continue;
    const target = join(to, path);
    mkdirSync(join(target, ".."), { recursive: true });
    symlinkSync(entry.isSymbolicLink() ? readlinkSync(source) : source, target);
  }
}
