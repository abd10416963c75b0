import assert from "node:assert/strict";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import type { DistillOptions } from "#pefd/config/options.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { distillOptions, hooksStoppingAfter, lastWeights, prepared, silentHooks } from "./runs.js";

before(() => {
  loadTensorFlow();
});

/** Whole in the graph engine; stopped in the middle of the second epoch, and resumed in the eager one. */
async function assertResumes(t: TestContext, changes: Partial<DistillOptions>): Promise<string> {
  const folder = await prepared(t);
  const whole = await runDistill(distillOptions(folder, changes), silentHooks());
  const options = distillOptions(folder, { ...changes, save_dir: join(folder, "stopped"), tb_freq: 1 });
  await assert.rejects(runDistill(options, hooksStoppingAfter(2, 1)), { message: "stopped" });
  const resumed = await runDistill({ ...options, engine: "eager", resume: true, tb_freq: 500 }, silentHooks());
  assert.deepEqual(lastWeights(resumed.runDir), lastWeights(whole.runDir));
  return whole.runDir;
}

const COSINE = { sched: "cosine", sched_epochs: 2, warmup_epochs: 1, warmup_lr: 1e-4, min_lr: 1e-5 } as const;

test("adamw with a cosine by updates and layer decay resumes in another engine, bit for bit", async (t) => {
  const changes = { opt: "adamw", layer_decay: 0.8, learning_rate: 1e-3, ...COSINE, sched_on_updates: true } as const;
  const runDir = await assertResumes(t, changes);
  assert.ok(runDir.includes("_opt:adamw_layer_decay:0.8_sched:cosine_sched_on_updates:true"), runDir);
  // The last of 3 steps of each epoch: 2 / 3 of the way up, then update 5 of a cosine over 6.
  const rates = readEpochLog(runDir).map(({ learningRate }) => learningRate);
  const expected = [1e-4 + (2 * 9e-4) / 3, 1e-5 + (0.99e-3 / 2) * (1 + Math.cos((5 * Math.PI) / 6))];
  rates.forEach((rate, i) => {
    assert.ok(Math.abs(rate - (expected[i] as number)) < 1e-12, `${rates}`);
  });
});

const STATES = [
  { opt: "rmsproptf", learning_rate: 1e-3 },
  { opt: "lion", learning_rate: 1e-4, sched: "onecycle", sched_epochs: 2, sched_on_updates: true },
  { opt: "lamb", learning_rate: 1e-2 },
  { sched: "onecycle", sched_epochs: 2, sched_on_updates: true },
  { clip_grad: 0.5, grad_accum_steps: 2 },
  { opt: "adamw", clip_grad: 0.01, clip_mode: "agc", grad_accum_steps: 2, learning_rate: 1e-3 },
  { mixup: 0.8, cutmix: 1, smoothing: 0.1 },
  { mixup: 0.8, cutmix: 1, mixup_mode: "elem", bce_loss: true, no_prefetcher: true, mixup_off_epoch: 1 },
] as const;

for (const state of STATES) {
  test(`${JSON.stringify(state)} resumes in another engine, bit for bit`, async (t) => {
    await assertResumes(t, state);
  });
}

test("a method that looks at labels refuses mixed images", async (t) => {
  const folder = await prepared(t);
  const changes = { distill: "dkd", gamma: 1, alpha: 0, beta: 1, mixup: 0.8 } as const;
  await assert.rejects(runDistill(distillOptions(folder, changes), silentHooks()), {
    message: "This method looks at the label of an image, and --mixup and --cutmix mix two images.",
  });
  const cached = distillOptions(folder, { mixup: 0.8, teacher_cache: true });
  await assert.rejects(
    runDistill(cached, silentHooks()),
    /--teacher_cache has the teacher's outputs for single images/,
  );
});

test("a method with a momentum buffer for each part of its loss refuses another optimizer", async (t) => {
  const folder = await prepared(t);
  const changes = { distill: "dot", gamma: 1, alpha: 0.9, beta: 0, opt: "adamw" } as const;
  await assert.rejects(runDistill(distillOptions(folder, changes), silentHooks()), /momentum buffer for each part/);
});
