import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { pefd } from "../../helpers/pefd.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "../../train/runs.js";

before(() => {
  loadTensorFlow();
});

test("pefd verify says what fits and what does not, and with which exit code", async (t) => {
  const folder = temporaryFolder(t);
  const data = await smallData(folder);
  await randomTeacher(folder);
  const { runDir } = await runDistill(distillOptions(folder, { epochs: 1 }), silentHooks());
  const good = await pefd(["verify", runDir]);
  assert.equal(good.exitCode, 0, good.stderr);
  assert.match(good.stdout, /^ {2}ok {2}teacher's weights +\S+, sha256 [0-9a-f]{8}\.\.\.$/m);
  const copy = join(folder, "copy");
  cpSync(runDir, copy, { recursive: true });
  rmSync(join(copy, "config.json"));
  const bad = await pefd(["verify", folder, "--json"]);
  assert.equal(bad.exitCode, 1);
  assert.match(bad.stderr, /1 of 2 runs do not fit what is written down of it/);
  assert.deepEqual(
    JSON.parse(bad.stdout).runs.map((run: { ok: boolean }) => run.ok),
    [false, true],
  );
  const alone = await pefd(["verify", copy]);
  assert.match(alone.stderr, /The run does not fit what is written down of it/);
  const none = await pefd(["verify", data]);
  assert.equal(none.exitCode, 2);
});
