import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { byMajor } from "../helpers/nodes.js";
import { ROOT } from "../helpers/paths.js";
import { runProgram } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { methodText, written } from "./files.js";

/** Which versions run TypeScript. */
const VERSIONS = [
  ["20", false],
  ["22", true],
  ["24", true],
] as const;

for (const [major, runsTypes] of VERSIONS) {
  const program = byMajor.get(major);
  const skip = program ? false : `no Node.js ${major} in PEFD_NODES or the cache's nodes folder`;

  test(`Node.js ${major} takes plug-ins, and TypeScript or says that it does not`, {
    skip,
  }, async (t) => {
    const folder = temporaryFolder(t);
    const typed = methodText("typed").replace("terms(at)", "terms(at: any)");
    written(folder, "typed.ts", typed);
    written(folder, "plain.mjs", methodText("plain"));
    const methods = (...words: readonly string[]) =>
      runProgram(program ?? "", [join(ROOT, "bin/pefd.js"), "methods", ...words], {
        cwd: folder,
        env: { ...process.env, NO_COLOR: "1" },
      });
    const plain = await methods("--plugin", "plain.mjs");
    assert.match(plain.stdout, /^plain +2026 +pooled/m, plain.stderr);
    assert.equal(plain.stderr, "");
    const { exitCode, stdout, stderr } = await methods("--plugin", "typed.ts");
    if (runsTypes) assert.match(stdout, /^typed +2026 +pooled/m, stderr);
    else {
      assert.equal(exitCode, 3);
      assert.match(stderr, /typed\.ts is TypeScript, which this Node\.js does not run: 22\.18/);
    }
  });
}
