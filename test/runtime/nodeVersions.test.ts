import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { byMajor } from "../helpers/nodes.js";
import { ROOT } from "../helpers/paths.js";

const SMOKE = fileURLToPath(new URL("./smoke.js", import.meta.url));
/** Versions on which pefd is supported besides the one that runs these tests. */
const SUPPORTED = ["20", "22", "24"];

function runs(program: string, file: string, words: readonly string[]): string {
  const env = { ...process.env, TF_CPP_MIN_LOG_LEVEL: "2" };
  const { status, stdout, stderr } = spawnSync(program, [file, ...words], {
    encoding: "utf8",
    env,
  });
  assert.equal(stderr, "", "nothing but the result is said");
  assert.equal(status, 0);
  return stdout.trim();
}

for (const major of SUPPORTED) {
  const program = byMajor.get(major);
  const skip = program ? false : `no Node.js ${major} in PEFD_NODES or the cache's nodes folder`;

  test(`Node.js ${major}: the binding loads and the ops that used removed helpers work`, {
    skip,
  }, () => {
    assert.equal(runs(program ?? "", SMOKE, []), '{"mean":2.5,"top":[4,3],"joined":[1,2,3,4,1]}');
  });

  test(`Node.js ${major}: the command line answers`, { skip }, () => {
    assert.match(runs(program ?? "", join(ROOT, "bin/pefd.js"), ["--version"]), /^\d+\.\d+\.\d+$/);
  });
}
