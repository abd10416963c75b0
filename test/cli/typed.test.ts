import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { asTyped, typedProgram } from "#pefd/cli/typed.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

test("a program is named as it was started", (t) => {
  const folder = temporaryFolder(t);
  const script = join(folder, "bin/pefd");
  mkdirSync(join(folder, "bin"));
  writeFileSync(script, "");
  chmodSync(script, 0o755);
  const started = (change: object) => typedProgram({ script, env: {}, cwd: folder, ...change });
  assert.equal(started({ env: { PATH: `/nowhere:${folder}/bin` } }), "pefd");
  assert.equal(started({}), "bin/pefd");
  assert.equal(started({ cwd: "/elsewhere" }), script);
  assert.equal(started({ env: { npm_command: "exec" } }), "npx pefd");
  assert.equal(started({ script: `${script}.js` }), "node bin/pefd.js");
  assert.equal(started({ script: "/a b/pefd.js" }), "node '/a b/pefd.js'");
});

test("command lines in sentences are given as they have to be typed, and words about pefd stay", () => {
  const typed = (sentence: string) => asTyped(sentence, "node bin/pefd.js");
  assert.equal(typed("Type: pefd setup"), "Type: node bin/pefd.js setup");
  assert.equal(typed("-> pefd setup"), "-> node bin/pefd.js setup");
  assert.equal(
    typed("Or on the processor: PEFD_RUNTIME=cpu pefd setup"),
    "Or on the processor: PEFD_RUNTIME=cpu node bin/pefd.js setup",
  );
  for (const same of ["pefd needs IN OUT.", "What pefd data fetch brings", "Type: pefdx setup", "Resume with: pefd"]) {
    assert.equal(typed(same), same);
  }
});
