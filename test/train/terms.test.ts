import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import type { RunInfo } from "#pefd/report/log/contract.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, hooksStoppingAfter, randomTeacher, silentHooks, smallData } from "./runs.js";

before(() => {
  loadTensorFlow();
});

const WEIGHTS = { gamma: 0.5, alpha: 0.25, beta: 25 };

test("each term of the loss is told for each epoch, also where a run was stopped in one", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const whole = await runDistill(distillOptions(folder, WEIGHTS), silentHooks());
  const rows = readEpochLog(whole.runDir);
  for (const { train } of rows) {
    const { ce, kl, alignment, ...others } = train.terms as Record<string, number>;
    assert.deepEqual(others, {});
    const sum = 0.5 * (ce as number) + 0.25 * (kl as number) + 25 * (alignment as number);
    assert.ok(Math.abs(sum / train.loss - 1) < 1e-6, `${sum} instead of ${train.loss}`);
  }
  assert.deepEqual(whole.train.terms, rows.at(-1)?.train.terms);
  const { train } = JSON.parse(readFileSync(join(whole.runDir, "result.json"), "utf8"));
  assert.deepEqual(train, whole.train);

  const stopped = distillOptions(folder, { ...WEIGHTS, save_dir: join(folder, "b"), tb_freq: 1 });
  await assert.rejects(runDistill(stopped, hooksStoppingAfter(2, 1)), { message: "stopped" });
  const { runDir } = await runDistill({ ...stopped, resume: true }, silentHooks());
  assert.deepEqual(
    readEpochLog(runDir).map((row) => row.train),
    rows.map((row) => row.train),
  );
});

test("terms of weight zero have no column, and no place in the loss that is told", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const options = distillOptions(folder, { gamma: 0, alpha: 0, beta: 25, epochs: 1 });
  const started: RunInfo[] = [];
  const hooks = silentHooks({ runStarted: (info) => void started.push(info) });
  const { train } = await runDistill(options, hooks);
  assert.deepEqual(Object.keys(train.terms ?? {}), ["alignment"]);
  const [{ title, loss, epochs, firstEpoch, steps }] = started as [RunInfo];
  assert.deepEqual(
    { title, loss, epochs, firstEpoch, steps },
    {
      title: "resnet8 -> resnet8, ours, trial 1",
      loss: "loss = 25 ours",
      epochs: 1,
      firstEpoch: 1,
      steps: 3,
    },
  );
});
