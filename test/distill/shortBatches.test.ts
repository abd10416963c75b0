import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { methodRow } from "#pefd/distill/registry.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { stepsPerEpoch } from "#pefd/train/epoch.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "../train/runs.js";
import { fakePair, opened } from "./fakes.js";

before(() => {
  loadTensorFlow();
});

test("images that fill no batch at the end of an epoch make a short step, or are left out", () => {
  assert.equal(stepsPerEpoch(20, 8, {}), 3);
  assert.equal(stepsPerEpoch(20, 8, { wholeBatches: true }), 2);
  assert.equal(stepsPerEpoch(16, 8, { wholeBatches: true }), 2);
});

const BETAS = { semckd: 1, "kd+semckd": [1, 1] };

for (const [distill, beta] of Object.entries(BETAS)) {
  test(`${distill} trains on whole batches alone`, async (t) => {
    const folder = temporaryFolder(t);
    await smallData(folder); // two batches of 8, and 4 images
    await randomTeacher(folder);
    const seen: (readonly number[])[] = [];
    const hooks = silentHooks({
      stepDone: ({ step, steps, images }) => seen.push([step, steps, images]),
    });
    const weights = { gamma: 1, alpha: 0, beta };
    const options = { distill, ...weights, epochs: 1, learning_rate: 0.001 };
    await runDistill(distillOptions(folder, options), hooks);
    assert.deepEqual(seen.at(-1), [2, 2, 16]);
  });
}

test("fewer images than one batch are refused", () => {
  const pair = { ...fakePair(), labels: [0, 1, 2], batchSize: 4 };
  assert.throws(() => opened(methodRow("semckd"), {}, pair), {
    exitCode: 2,
    message: /3 training images are fewer than one of 4/,
    hint: "Give --batch_size 3 or less.",
  });
  tf.dispose(opened(methodRow("kd"), {}, pair).state.flatMap(({ variable }) => variable ?? []));
});

test("a last batch of one image is refused where the loss compares images, before anything is written", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder, 5);
  await randomTeacher(folder);
  for (const [distill, beta] of [
    ["rkd", 1],
    ["dist", 2],
    ["kd+rkd", [1, 1]],
  ] as const) {
    const options = distillOptions(folder, { distill, beta, batch_size: 4 });
    await assert.rejects(runDistill(options, silentHooks()), {
      exitCode: 2,
      message: new RegExp(
        `^${distill.replace("+", ".")} compares .* needs 2 of them; the last batch .* has 1 \\(5 training`,
      ),
      hint: "Give another --batch_size or leave it out with --limit_train 4.",
    });
    await assert.rejects(runDistill({ ...options, batch_size: 1 }, silentHooks()), {
      exitCode: 2,
      hint: "Give --batch_size 2 or more.",
    });
  }
  assert.ok(!existsSync(join(folder, "save")));
  const ignored = { distill: "rkd", beta: 0, alpha: 1, batch_size: 4, epochs: 1 };
  await runDistill(distillOptions(folder, ignored), silentHooks());
});
