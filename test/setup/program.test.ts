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
    mkdirSync(join(root, "scripts"));
    writeFileSync(join(root, "scripts/setup.js"), "");
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

test("before the setup pefd says what to type, with exit code 3 and no trace", () =>
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

test("the words are handed to the command line, and its exit code is passed on", () => {
  const main = `export async function main(words) {
    process.stdout.write(JSON.stringify(words));
    return 2;
  }`;
  inClone(main, (program) => {
    const { status, stdout } = run(program, ["a", "--b"]);
    assert.equal(status, 2);
    assert.deepEqual(JSON.parse(stdout), ["a", "--b"]);
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
