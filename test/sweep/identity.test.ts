import assert from "node:assert/strict";
import { copyFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { planSweep, type SweepRun } from "#pefd/sweep/plan.js";
import { refuseOtherRuns } from "#pefd/sweep/state.js";
import { runDistill } from "#pefd/train/distill.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { randomTeacher, silentHooks, smallData } from "../train/runs.js";
import { layer } from "./layers.js";

before(() => {
  loadTensorFlow();
});

/** A run of a sweep, complete, with what it was made from. */
async function complete(t: TestContext) {
  const folder = temporaryFolder(t);
  const data = await smallData(folder);
  const teacher = await randomTeacher(folder);
  const models = { model_t: "resnet8", model_s: "resnet8" };
  const given = { ...models, epochs: 1, batch_size: 8, precision: "float32" };
  const plan = async (more: object = {}): Promise<SweepRun[]> =>
    planSweep(
      [layer({ ...given, data, path_t: teacher, save_dir: join(folder, "save"), ...more })],
      async () => undefined,
    );
  const [run] = (await plan()) as [SweepRun];
  await runDistill(run.options, silentHooks());
  return { folder, teacher, data, plan, run };
}

test("a run that is there counts for a sweep only if it is the very same", async (t) => {
  const { folder, teacher, data, plan, run } = await complete(t);
  await refuseOtherRuns(await plan());
  const other = await randomTeacher(join(folder, "save"), 100, 4);
  const otherData = join(folder, "other");
  await CIFAR100.synthesize(otherData, { train: 20, test: 10, seed: 8, classes: 5 });
  const list = join(folder, "skip.txt");
  writeFileSync(list, "image.png\n");
  const differences: readonly [more: object, sentence: RegExp][] = [
    [{ path_t: other }, /the teacher's weights: [0-9a-f]{8} then, [0-9a-f]{8} now\.$/],
    [{ data: otherData }, /the training data: .* then, .* now; the test data: /],
    [{ precision: "bfloat16" }, /--precision was "float32" and is now "bfloat16"\.$/],
    [{ engine: "xla" }, /the engine: graph then, xla now\.$/],
    [{ batch_size: 4 }, /--batch_size was 8 and is now 4\.$/],
    [{ skip_list: list }, /the skip list: none then, [0-9a-f]{8} now\.$/],
  ];
  for (const [more, sentence] of differences) {
    await assert.rejects(refuseOtherRuns(await plan(more)), { exitCode: 2, message: sentence });
  }

  await t.test("the same content elsewhere is the same", async () => {
    const copy = join(folder, "copy.safetensors");
    copyFileSync(teacher, copy);
    await refuseOtherRuns(await plan({ path_t: copy, engine: "eager" }));
  });
  await t.test("other content under the same path is not", async () => {
    copyFileSync(other, teacher);
    await assert.rejects(refuseOtherRuns(await plan()), /the teacher's weights/);
    await CIFAR100.synthesize(data, { train: 20, test: 10, seed: 9, classes: 5, force: true });
    await assert.rejects(refuseOtherRuns(await plan()), /the training data.*the teacher's weights/);
  });
  await t.test("a run without its record is nobody's", async () => {
    rmSync(join(run.runDir, "config.json"));
    await assert.rejects(refuseOtherRuns(await plan()), {
      exitCode: 2,
      message: /holds a run that may not belong to this sweep: config\.json is missing/,
    });
  });
});

test("a run with more epochs than the sweep asks for is refused before anything runs", async (t) => {
  const { plan } = await complete(t);
  const [longer] = (await plan({ epochs: 2 })) as [SweepRun];
  await runDistill({ ...longer.options, resume: true }, silentHooks());
  await assert.rejects(refuseOtherRuns(await plan()), /has 2 epochs already, more than --epochs 1\./);
  await refuseOtherRuns([longer]);
});
