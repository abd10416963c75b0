import assert from "node:assert/strict";
import { existsSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { ROOT } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

test("pefd new writes a file and its test, and links pefd where it is not to be found", async (t) => {
  const cwd = temporaryFolder(t);
  const { exitCode, stdout, stderr } = await pefd(["new", "method", "mine", "--out", "own", "--json"], { cwd });
  assert.equal(exitCode, 0, stderr);
  assert.deepEqual(JSON.parse(stdout), {
    files: ["own/mine.mjs", "own/mine.test.mjs"],
    link: "own/node_modules/pefd",
  });
  assert.equal(realpathSync(join(cwd, "own/node_modules/pefd")), realpathSync(ROOT));
  assert.doesNotMatch(readFileSync(join(cwd, "own/mine.mjs"), "utf8"), /NAME/);
  const next = await pefd(["new", "model", "other", "--out", "own", "--json"], { cwd });
  assert.equal(JSON.parse(next.stdout).link, null, "it is to be found now");
});

test("pefd new refuses names that are taken or none, and files that are there", async (t) => {
  const cwd = temporaryFolder(t);
  for (const [words, said] of [
    [["method", "kd"], /A method named kd already exists/],
    [["method", "lskd_kd"], /A method named lskd_kd already exists/],
    [["dataset", "cifar100"], /A data set named cifar100 already exists/],
    [["model", "2fast"], /"2fast" is not a valid name for a model/],
    [["method", "a-b"], /"a-b" is not a valid name for a method/],
  ] as const) {
    const { exitCode, stderr } = await pefd(["new", ...words], { cwd });
    assert.equal(exitCode, 2, words.join(" "));
    assert.match(stderr, said);
  }
  assert.ok(!existsSync(join(cwd, "node_modules")), "nothing was written");
  await pefd(["new", "model", "mine"], { cwd });
  rmSync(join(cwd, "mine.mjs"));
  const { exitCode, stderr } = await pefd(["new", "model", "mine"], { cwd });
  assert.equal(exitCode, 2);
  assert.match(stderr, /mine\.test\.mjs already exists/);
  assert.ok(!existsSync(join(cwd, "mine.mjs")), "all or nothing");
});
