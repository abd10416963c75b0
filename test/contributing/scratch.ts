import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { ROOT } from "../helpers/paths.js";
import { type Ended, runScript } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { type Recipe, withRows } from "./recipe.js";

/** What a build and the command line need; node_modules is the project's own. */
const COPIED = ["bin", "configs", "docs", "dist", "src", "scripts", "package.json", "tsconfig.json"];

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
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const run = (script: string, args: readonly string[]) =>
    runScript(join(folder, script), args, { cwd: folder, env: { XDG_CACHE_HOME: folder } });
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
