import assert from "node:assert/strict";
import { existsSync, renameSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { inMemory } from "#pefd/data/dataset.js";
import { assembleTestBatch } from "#pefd/data/hostBatch.js";
import { DATASETS } from "#pefd/data/registry.js";
import { methodRow } from "#pefd/distill/registry.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow, type Tensor2D, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "../train/runs.js";

before(() => {
  loadTensorFlow();
});

const FILE = "resnet8_last.safetensors";

/** A short run of a method; its folder, and what its last evaluation counted. */
async function finished(t: TestContext, distill: string) {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const setting = { ...methodRow(distill).weights, learning_rate: 0.01, epochs: 1 };
  const { runDir } = await runDistill(distillOptions(folder, { distill, ...setting }), silentHooks());
  const [row] = readEpochLog(runDir);
  const typed = (...words: string[]) => pefd(words, { cwd: runDir });
  const done = async (...words: string[]) => {
    const { exitCode, stdout, stderr } = await typed(...words, "--json");
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout);
  };
  return {
    runDir,
    data: join(folder, "data"),
    told: row?.test as { top1: number; loss: number },
    typed,
    done,
  };
}

/** Cross entropy of the test images by a SavedModel. */
async function lossOfServed(folder: string, data: string): Promise<number> {
  const opened = await DATASETS.row("cifar100").openTest(data, undefined);
  const set = inMemory(opened.test);
  const { images, labels } = assembleTestBatch(set, 0, set.count);
  const loaded = await tf.node.loadSavedModel(folder, ["serve"], "serving_default");
  const shown = tf.tensor4d(images, [set.count, 32, 32, 3]) as Tensor4D;
  const { logits } = loaded.predict({ images: shown }) as unknown as { logits: Tensor2D };
  const loss = tf.losses.softmaxCrossEntropy(tf.oneHot(tf.tensor1d(labels, "int32"), 100), logits);
  loaded.dispose();
  return loss.dataSync()[0] as number;
}

const assertLoss = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-5 * expected, `${found} is not ${expected}`);

for (const distill of ["simkd", "norm"]) {
  test(`${distill}: a SavedModel and an analysis predict as the run's evaluations did`, async (t) => {
    const { runDir, data, told, done } = await finished(t, distill);
    const { predictsThrough } = await done("convert", FILE, "served/");
    assert.equal(predictsThrough, distill);
    assertLoss(await lossOfServed(join(runDir, "served"), data), told.loss);
    const alone = await done("convert", FILE, "alone/", "--student_alone");
    assert.equal(alone.predictsThrough, undefined);
    assert.notEqual(await lossOfServed(join(runDir, "alone"), data), told.loss);
    const { checkpoints } = await done("analyze", "--run", ".", "--last");
    assert.equal(checkpoints[0].top1_student, told.top1);
    const evaluated = await done("eval", "--checkpoint", "served", "--data", data);
    assert.equal(evaluated.predictsThrough, distill);
    assertLoss(evaluated.loss, told.loss);
  });
}

test("there and back again, what a method predicts through lies beside the student", async (t) => {
  const { runDir, data, told, done, typed } = await finished(t, "simkd");
  await done("convert", FILE, "a.pth");
  assert.ok(existsSync(join(runDir, "a_predictor.pth")));
  const taken = await typed("convert", FILE, "a.pth");
  assert.deepEqual([taken.exitCode, /a\.pth already exists/.test(taken.stderr)], [2, true]);
  await done("convert", "a.pth", "served/");
  await done("convert", "served", "b.safetensors");
  const evaluated = await done("eval", "--checkpoint", "b.safetensors", "--data", data);
  assert.equal(evaluated.predictsThrough, "simkd");
  assertLoss(evaluated.loss, told.loss);
  const [first, last] = await Promise.all(
    [FILE, "b.safetensors"].map(async (file) => {
      const { state } = await readCheckpoint(join(runDir, file.replace(".safetensors", "_predictor.safetensors")));
      return [...state].map(([name, { data: bytes }]) => [name, Buffer.from(bytes).toString("hex")]);
    }),
  );
  assert.deepEqual(last, first);
});

test("without what the run predicted through, convert refuses and says what to type; analyze warns", async (t) => {
  const { runDir, done, typed } = await finished(t, "simkd");
  renameSync(join(runDir, "resnet8_last_predictor.safetensors"), join(runDir, "elsewhere.safetensors"));
  for (const to of ["out.pth", "served/"]) {
    const { exitCode, stderr } = await typed("convert", FILE, to);
    assert.equal(exitCode, 2);
    assert.match(stderr, /predicts with resnet8_last_predictor\.safetensors, which is missing/);
    assert.match(stderr, /--student_alone/);
    assert.ok(!existsSync(join(runDir, to)));
  }
  await done("convert", FILE, "out.pth", "--student_alone");
  assert.ok(!existsSync(join(runDir, "out_predictor.pth")));
  const { stderr } = await typed("analyze", "--run", ".", "--last");
  assert.match(stderr, /warning: .*resnet8_last\.safetensors is analysed alone; its run's evaluations went/);
});
