import assert from "node:assert/strict";
import { readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeCheckpoint, writeSealedCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { createRandom } from "#pefd/common/random.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runTeacher } from "#pefd/train/teacher.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { hooksStoppingAfter, silentHooks, smallData, teacherOptions } from "./runs.js";
import { snapshot } from "./snapshot.js";

before(() => {
  loadTensorFlow();
});

const resumeFile = (runDir: string): string => join(runDir, "resume.safetensors");

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
  damage: (runDir: string) => void | Promise<void>,
  message: RegExp,
): Promise<void> {
  const { runDir, options } = await halfDone(t);
  await damage(runDir);
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
    /config\.json is corrupt: it is not JSON .*\. Nothing was changed/,
  ));

test("a run whose config.json was changed by hand is not gone on with", (t) =>
  refused(
    t,
    (runDir) => writeFileSync(join(runDir, "config.json"), '{"kind":"teacher","epochs":3,"checksum":"1"}'),
    /config\.json is corrupt: it does not match its checksum/,
  ));

test("a run whose resume.safetensors has no metadata is not gone on with", (t) =>
  refused(
    t,
    async (runDir) => {
      const { state } = await readCheckpoint(resumeFile(runDir));
      await writeCheckpoint(resumeFile(runDir), state);
    },
    /resume\.safetensors is corrupt: it has no checksum\. Nothing was changed/,
  ));

test("a run whose resume.safetensors tells of another run is not gone on with", (t) =>
  refused(
    t,
    async (runDir) => {
      const { state, metadata } = await readCheckpoint(resumeFile(runDir));
      const progress = { ...(metadata.progress as object), identitySha256: "0".repeat(64) };
      await writeSealedCheckpoint(resumeFile(runDir), state, { progress });
    },
    /resume\.safetensors is of another run than config\.json beside it/,
  ));

test("a flipped bit anywhere in resume.safetensors is seen", async (t) => {
  const { runDir, options } = await halfDone(t);
  const whole = readFileSync(resumeFile(runDir));
  const random = createRandom(3, "flipped bits");
  for (let i = 0; i < 12; i++) {
    const bytes = Buffer.from(whole);
    const at = i < 6 ? random.integer(2000) : random.integer(bytes.length);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.integer(8)), at);
    writeFileSync(resumeFile(runDir), bytes);
    const kept = snapshot(runDir);
    await assert.rejects(runTeacher(options, silentHooks()), {
      exitCode: 2,
      message: /resume\.safetensors .*Nothing was changed/s,
    });
    assert.deepEqual(snapshot(runDir), kept);
  }
});

test("a run without resume.safetensors that has epochs is not started again", (t) =>
  refused(
    t,
    (runDir) => rmSync(resumeFile(runDir)),
    /has 2 epochs in its epochs\.csv and no resume\.safetensors to go on from/,
  ));

test("a log that is not as the run left it is told; without it the run goes on", async (t) => {
  const { runDir, options } = await halfDone(t);
  const log = join(runDir, "epochs.csv");
  writeFileSync(log, readFileSync(log, "utf8").replace(/\n1,0\.05,/, "\n1,0.06,"));
  const kept = snapshot(runDir);
  await assert.rejects(runTeacher(options, silentHooks()), {
    exitCode: 2,
    message: /epochs\.csv is corrupt: it is not as the run left it/,
    hint: /^Move it away and type this again/,
  });
  assert.deepEqual(snapshot(runDir), kept);
  rmSync(log);
  await assert.rejects(runTeacher({ ...options, tb_freq: 1 }, hooksStoppingAfter(3, 2)));
  await runTeacher(options, silentHooks());
  assert.deepEqual(
    readEpochLog(runDir).map(({ epoch }) => epoch),
    [2, 3],
  );
});

test("a run is not cut to fewer epochs than it has", async (t) => {
  const { runDir, options } = await halfDone(t);
  const kept = snapshot(runDir);
  await assert.rejects(runTeacher({ ...options, epochs: 1 }, silentHooks()), {
    exitCode: 2,
    message: `${runDir} has 2 epochs already, more than the --epochs 1 asked for.`,
  });
  assert.deepEqual(snapshot(runDir), kept);
  await assert.rejects(runTeacher({ ...options, tb_freq: 1 }, hooksStoppingAfter(3, 2)));
  await assert.rejects(runTeacher({ ...options, epochs: 2 }, silentHooks()), {
    exitCode: 2,
    message: /has 2 epochs and 2 steps of the next already/,
  });
});

test("a damaged result.json is told, and made anew without it", async (t) => {
  const { runDir, options } = await halfDone(t);
  const path = join(runDir, "result.json");
  const { checksum: _, seconds: __, ...result } = JSON.parse(readFileSync(path, "utf8"));
  writeFileSync(path, "null");
  const kept = snapshot(runDir);
  const again = { ...options, epochs: 2 };
  await assert.rejects(runTeacher(again, silentHooks()), {
    exitCode: 2,
    message: /result\.json is corrupt: it is not a JSON object\. Nothing was changed\./,
    hint: /^Remove it and type this again/,
  });
  assert.deepEqual(snapshot(runDir), kept);
  rmSync(path);
  const { seconds: ___, ...made } = await runTeacher(again, silentHooks());
  assert.deepEqual(made, result);
});

test("nothing of a complete run is written again, whatever it is resumed with", async (t) => {
  const { runDir, options } = await halfDone(t);
  const kept = snapshot(runDir);
  await runTeacher({ ...options, epochs: 2, save_freq: 7, engine: "eager" }, silentHooks());
  assert.deepEqual(snapshot(runDir), kept);
});
