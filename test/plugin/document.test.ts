import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { withMany } from "../helpers/matrices.js";
import { ROOT } from "../helpers/paths.js";
import { type Ended, pefd, runProgram } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const BLOCK = /^```(js|sh)(?: (\S+))?\n(.*?)^```$/gms;

/** Files and command lines of the document, in their order. */
const steps = [...readFileSync(join(ROOT, "docs/plugins.md"), "utf8").matchAll(BLOCK)].map(
  ([, kind, path = "", text = ""]) => ({ kind, path, text }),
);

/** Types a line as the document has it. */
function type(line: string, cwd: string): Promise<Ended> {
  const [program = "", ...words] = line.split(" ");
  if (program === "pefd") return pefd(words, { cwd });
  assert.equal(program, "node");
  const { NODE_TEST_CONTEXT: _, ...env } = process.env; // else node --test reports to this test's parent
  return runProgram(process.execPath, words, { cwd, env: { ...env, NO_COLOR: "1" } });
}

test("what docs/plugins.md says can be typed as it stands, in a folder anywhere", {
  skip: withMany,
}, async (t) => {
  const cwd = temporaryFolder(t);
  const said = new Map<string, string>();
  for (const { kind, path, text } of steps) {
    if (kind === "js") writeFileSync(join(cwd, path), text);
    else {
      for (const line of text.trim().split("\n")) {
        const { exitCode, stdout, stderr } = await type(line, cwd);
        assert.equal(exitCode, 0, `${line}\n${stdout}\n${stderr}`);
        said.set(line.split(" ").slice(0, 2).join(" "), stdout);
      }
    }
  }
  assert.match(said.get("pefd report") ?? "", /^resnet8x4 +resnet8 +fitnet /m);
  assert.match(said.get("pefd sweep") ?? "", /^resnet8x4 +resnet8 +kd /m);
  assert.match(said.get("pefd analyze") ?? "", /fitnet/);
  assert.match(said.get("pefd methods") ?? "", /^fitnet +2015 +map2 +4,224 /m);
});
