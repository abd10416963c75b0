import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers/paths.js";

const PROGRAM = "bin/pefd.js";

function run(file: string, words: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  return spawnSync(process.execPath, [file, ...words], { encoding: "utf8", env });
}

/** A clone that was never set up, with a compiled program in it that does what `main` says. */
function inClone(main: string | undefined, work: (program: string) => void): void {
  const root = mkdtempSync(join(tmpdir(), "pefd-clone-"));
  try {
    cpSync(join(ROOT, "bin"), join(root, "bin"), { recursive: true });
    writeFileSync(join(root, "package.json"), '{ "type": "module" }');
    if (main !== undefined) {
      for (const folder of ["runtime", "common"]) {
        cpSync(join(ROOT, "dist", folder), join(root, "dist", folder), { recursive: true });
      }
      mkdirSync(join(root, "dist/cli"));
      writeFileSync(join(root, "dist/cli/main.js"), main);
    }
    work(join(root, PROGRAM));
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

test("before the set-up pefd says what to type, with exit code 3 and no trace", () =>
  inClone(undefined, (program) => {
    const { status, stderr, stdout } = run(program, ["--help"]);
    assert.equal(status, 3);
    assert.equal(stdout, "");
    assert.match(stderr, /^pefd is not set up here: .*\n.*npm run setup\n$/);
  }));

test("with packages missing it says the same", () =>
  inClone('import "a-package-that-is-not-there";', (program) => {
    const { status, stderr } = run(program, []);
    assert.equal(status, 3);
    assert.match(stderr, /a-package-that-is-not-there.*\n.*npm run setup\n$/);
  }));

test("the exit code of the command line is passed on, and its environment is prepared", () => {
  const main = `export async function main(words) {
    const { TF_CPP_MIN_LOG_LEVEL, TF_XLA_FLAGS } = process.env;
    process.stdout.write(JSON.stringify({ words, TF_CPP_MIN_LOG_LEVEL, TF_XLA_FLAGS }));
    return 2;
  }`;
  const env = { PATH: process.env.PATH, PEFD_CACHE: "/c" };
  inClone(main, (program) => {
    const { status, stdout } = run(program, ["a", "--b"], env);
    assert.equal(status, 2);
    const { words, TF_CPP_MIN_LOG_LEVEL, TF_XLA_FLAGS } = JSON.parse(stdout);
    assert.deepEqual(words, ["a", "--b"]);
    assert.equal(TF_CPP_MIN_LOG_LEVEL, "2");
    assert.match(TF_XLA_FLAGS, /directory=\/c\/xla /);
    const { stdout: without } = run(program, ["--no-cache"], env);
    assert.equal(JSON.parse(without).TF_XLA_FLAGS, undefined);
  });
});

test("deprecations of Node.js stay off the terminal, real warnings do not", () => {
  const main = `export async function main() {
    process.emitWarning("old", "DeprecationWarning");
    process.emitWarning("mind this");
    return 0;
  }`;
  inClone(main, (program) => {
    const { stderr } = run(program, []);
    assert.doesNotMatch(stderr, /old/);
    assert.match(stderr, /mind this/);
  });
});
