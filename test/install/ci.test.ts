import assert from "node:assert/strict";
import { existsSync, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cacheDirectory } from "#pefd/common/cachePaths.js";
import { withMany } from "../helpers/matrices.js";
import { runProgram } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { copyCheckout, lendTensorFlow } from "./package.js";
import { shellLines } from "./recipes.js";
import { registryProblem } from "./registry.js";

const skip = withMany || registryProblem();

/** What only the runner's own image needs. */
const isOfTheImage = (line: string): boolean => line.startsWith("apt-get ");

/** Variables that name this process's folders and tests. */
const isOurs = (name: string): boolean => /^(?:PEFD_|NODE_TEST|npm_|TF_)/.test(name);

/** A recipe, and the cache folder that it has in a checkout. */
const RECIPES: readonly [file: string, cache: (checkout: string) => string][] = [
  [".github/workflows/distil.yml", () => cacheDirectory(process.env, homedir())],
  [".gitlab-ci.yml", (checkout) => join(checkout, ".pefd")],
];

for (const [file, cacheIn] of RECIPES) {
  test(`docs/ci.md: the steps of ${file} end in a report`, {
    skip,
    timeout: 900_000,
  }, async (t) => {
    const checkout = join(temporaryFolder(t), "pefd");
    mkdirSync(checkout);
    copyCheckout(checkout);
    const cache = cacheIn(checkout);
    if (!existsSync(cache)) lendTensorFlow(cache, true); // as the job before kept it
    const kept = Object.entries(process.env).filter(([name]) => !isOurs(name));
    const env = { ...Object.fromEntries(kept), CI: "true", PEFD_CACHE: cache };
    const lines = shellLines(file);
    assert.deepEqual(
      ["npm ci", "npm run setup"].filter((line) => !lines.includes(line)),
      [],
    );
    for (const line of lines.filter((one) => !isOfTheImage(one))) {
      const ended = await runProgram("sh", ["-ec", line], { cwd: checkout, env });
      assert.equal(ended.exitCode, 0, `${line}\n${ended.stderr.slice(-2000)}`);
    }
    assert.ok(existsSync(join(checkout, "report.html")));
  });
}
