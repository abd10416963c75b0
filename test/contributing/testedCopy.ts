import { type ChildProcess, spawn } from "node:child_process";
import { cpSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ROOT } from "../helpers/paths.js";
import { type Ended, runProgram, runScript } from "../helpers/pefd.js";
import { OBJECTS } from "../native/scripts.js";
import { type Scratch, scratchCopy } from "./scratch.js";

/** A copy of the project with its tests, whose command line works in any folder. */
export interface TestedCopy extends Pick<Scratch, "apply" | "build"> {
  pefd(args: readonly string[], cwd: string): Promise<Ended>;
  /** Starts the command line, to be killed. */
  start(args: readonly string[], cwd: string): ChildProcess;
  /** Compiles the tests. */
  buildTests(): Promise<Ended>;
  /** Runs compiled tests, such as "distill/registry". */
  test(...names: readonly string[]): Promise<Ended>;
}

/** Copies the project as it is built now, what is compiled of the tests included. */
export function testedCopy(t: TestContext): TestedCopy {
  const { folder, apply, build } = scratchCopy(t);
  for (const part of ["test", "dist-test", "tsconfig.test.json"]) {
    cpSync(join(ROOT, part), join(folder, part), {
      recursive: true,
      preserveTimestamps: true,
      filter: (path) => path !== OBJECTS,
    });
  }
  const pefd = join(folder, "bin/pefd.js");
  const compiler = join(folder, "node_modules/typescript/bin/tsc");
  return {
    apply,
    build,
    pefd: (args, cwd) => runScript(pefd, args, { cwd }),
    start: (args, cwd) => spawn(process.execPath, [pefd, ...args], { cwd, stdio: "ignore" }),
    buildTests: () => runScript(compiler, ["-p", join(folder, "tsconfig.test.json")]),
    test(...names) {
      const files = names.map((name) => join(folder, `dist-test/${name}.test.js`));
      // With what it says, Node.js would take these tests for a part of the ones that run here.
      const { NODE_TEST_CONTEXT: _, ...env } = process.env;
      return runProgram(process.execPath, ["--test", ...files], { cwd: folder, env });
    },
  };
}
