import assert from "node:assert/strict";
import { rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runTeacher } from "#pefd/train/teacher.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { silentHooks, smallData, teacherOptions } from "./runs.js";
import { snapshot } from "./snapshot.js";

before(() => {
  loadTensorFlow();
});

/** A run of two epochs, and options that go on with it to a third. */
async function halfDone(t: TestContext) {
  const folder = temporaryFolder(t);
  await smallData(folder);
  const options = teacherOptions(folder, { epochs: 2 });
  const { runDir } = await runTeacher(options, silentHooks());
  return { runDir, options: { ...options, epochs: 3, resume: true } };
}

/** Damages a run and tries to go on with it: it is refused, and nothing is touched. */
async function refused(
  t: TestContext,
  damage: (runDir: string) => void,
  message: RegExp,
): Promise<void> {
  const { runDir, options } = await halfDone(t);
  damage(runDir);
  const kept = snapshot(runDir);
  const wanted = { exitCode: 2, message, hint: /pefd eval --checkpoint/ };
  await assert.rejects(runTeacher({ ...options, batch_size: 4 }, silentHooks()), wanted);
  await assert.rejects(runTeacher(options, silentHooks()), wanted);
  assert.deepEqual(snapshot(runDir), kept);
}

test("a run without its config.json is not gone on with", (t) =>
  refused(
    t,
    (runDir) => rmSync(join(runDir, "config.json")),
    /holds resume\.safetensors and no config\.json\. Nothing was changed/,
  ));

test("a run whose config.json was cut short is not gone on with", (t) =>
  refused(
    t,
    (runDir) => truncateSync(join(runDir, "config.json"), 200),
    /config\.json is damaged: it is not JSON .*\. Nothing was changed/,
  ));

test("a run whose config.json was changed by hand is not gone on with", (t) =>
  refused(
    t,
    (runDir) =>
      writeFileSync(join(runDir, "config.json"), '{"kind":"teacher","epochs":3,"checksum":"1"}'),
    /config\.json is damaged: it does not fit its own checksum/,
  ));
