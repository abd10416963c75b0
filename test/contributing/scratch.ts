import { cpSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative } from "node:path";
import type { TestContext } from "node:test";
import { ROOT } from "../helpers/paths.js";
import { type Ended, runScript } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { OBJECTS } from "../native/scripts.js";
import { type Recipe, withRows } from "./recipe.js";

/** What a build, setup and the command line need. */
const COPIED = [
  "bin",
  "configs",
  "docs",
  "dist",
  "src",
  "scripts",
  "test/native",
  "package.json",
  "package-lock.json",
  "tsconfig.json",
];

/** Links all entries of a folder but one into another. */
function linkAllBut(own: string, from: string, to: string): void {
  mkdirSync(to);
  for (const name of readdirSync(from)) if (name !== own) symlinkSync(join(from, name), join(to, name));
}

/** The project's node_modules by links, but a copy of tfjs-node-gpu: setup writes there what it compiles. */
function linkPackages(folder: string): void {
  const [from, to] = [ROOT, folder].map((root) => join(root, "node_modules")) as [string, string];
  const [scope, name] = ["@tensorflow", "tfjs-node-gpu"];
  linkAllBut(scope, from, to);
  linkAllBut(name, join(from, scope), join(to, scope));
  const [source, copy] = [join(from, scope, name), join(to, scope, name)];
  const runtime = realpathSync(join(source, "deps"));
  for (const part of readdirSync(source).filter((one) => one !== "deps")) {
    cpSync(join(source, part), join(copy, part), { recursive: true, dereference: true });
  }
  symlinkSync(runtime, join(copy, "deps"));
  mkdirSync(join(folder, "pefd/runtime"), { recursive: true });
  symlinkSync(runtime, join(folder, "pefd/runtime", basename(runtime)));
}

/** Objects of the tests of src/native are named by a hash of their sources: all copies share them. */
function linkObjects(folder: string): void {
  const link = join(folder, relative(ROOT, OBJECTS));
  mkdirSync(OBJECTS, { recursive: true });
  mkdirSync(dirname(link), { recursive: true });
  symlinkSync(OBJECTS, link);
}

/** A copy of the project that may be changed, removed when the test is over. */
export interface Scratch {
  readonly folder: string;
  apply(recipe: Recipe): void;
  build(): Promise<Ended>;
  /** A command line as CONTRIBUTING.md has it: `node SCRIPT ...`. */
  type(line: string): Promise<Ended>;
  /** What `npm run lint` says of imports. */
  fences(): Promise<Ended>;
}

/** Copies the project as it is built now. */
export function scratchCopy(t: TestContext): Scratch {
  const folder = join(temporaryFolder(t), "pefd");
  for (const name of COPIED) cpSync(join(ROOT, name), join(folder, name), { recursive: true });
  linkPackages(folder);
  linkObjects(folder);
  const run = (script: string, args: readonly string[]) =>
    runScript(join(folder, script), args, { cwd: folder, env: { PEFD_CACHE: join(folder, "pefd") } });
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  return {
    folder,
    apply({ files, trials, rows }) {
      for (const { path, text } of [...files, ...trials]) write(path, text);
      for (const { path, text } of rows) {
        write(path, withRows(readFileSync(join(folder, path), "utf8"), text));
      }
    },
    build: () => run("node_modules/typescript/bin/tsc", ["-p", join(folder, "tsconfig.json")]),
    type(line) {
      const [, script = "", ...words] = line.split(" ");
      return run(script, words);
    },
    fences: () => run("scripts/fences.js", []),
  };
}
