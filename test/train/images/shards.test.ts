import assert from "node:assert/strict";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import type { TeacherOptions } from "#pefd/config/options.js";
import { synthesize } from "#pefd/data/folder/row.js";
import { reencodingWords } from "#pefd/data/shards/reencode.js";
import { reencodeAll } from "#pefd/data/shards/reencodeAll.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { groupRuns } from "#pefd/report/runs/grouping.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runTeacher } from "#pefd/train/teacher.js";
import { pack } from "../../data/shards/packing.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { hooksStoppingAfter, silentHooks, teacherOptions } from "../runs.js";

before(() => {
  loadTensorFlow();
});

/** A folder of images, the same in shards of two images each, and what a run of one epoch on either is asked. */
async function scene(t: TestContext) {
  const folder = temporaryFolder(t);
  const [images, shards] = [join(folder, "images"), join(folder, "shards")];
  await synthesize(images, { train: 8, test: 4, seed: 5, classes: 2 });
  await pack(images, shards, { mostBytes: 70_000 });
  const options = (data: string, save_dir: string, changes: Partial<TeacherOptions> = {}) =>
    teacherOptions(folder, {
      dataset: "folder",
      model: "RESNET18",
      data,
      save_dir: join(folder, save_dir),
      epochs: 1,
      batch_size: 4,
      learning_rate: 0.01,
      tb_freq: 1,
      ...changes,
    });
  return { folder, images, shards, options };
}

test("a run has the same bytes from folders and shards, stopped on one and gone on with on the other too", async (t) => {
  const { images, shards, options } = await scene(t);
  const whole = await runTeacher(options(images, "whole"), silentHooks());
  const packed = await runTeacher(options(shards, "packed", { num_workers: 2 }), silentHooks());
  assert.equal(packed.weightsSha256, whole.weightsSha256);
  assert.deepEqual(packed.test, whole.test);

  const stopped = options(shards, "stopped", { num_workers: 1 });
  await assert.rejects(runTeacher(stopped, hooksStoppingAfter(1, 1)), { message: "stopped" });
  const rest = options(images, "stopped", { num_workers: 2, resume: true });
  const resumed = await runTeacher(rest, silentHooks());
  assert.equal(resumed.weightsSha256, whole.weightsSha256);
});

test("images that were re-encoded are other images: such a run says so, and is no other run", async (t) => {
  const { folder, images, options } = await scene(t);
  const small = join(folder, "small");
  const reencoding = { shortSide: 64, quality: 90 };
  const words = reencodingWords(reencoding);
  await pack(images, small, { reencoding: { words, read: reencodeAll(reencoding, 2) } });
  const warnings: string[] = [];
  const hooks = silentHooks({ warn: (text) => warnings.push(text) });
  const changed = await runTeacher(options(small, "small"), hooks);
  assert.match(warnings.join("\n"), /re-encoded \(short side 64, JPEG quality 90\).* not comparable/);

  await assert.rejects(runTeacher(options(images, "small", { resume: true }), silentHooks()), {
    exitCode: 2,
    message: /the training data: [0-9a-f]{8} then, [0-9a-f]{8} now/,
  });
  const plain = await runTeacher(options(images, "plain"), silentHooks());
  const { runs } = collectRuns([changed.runDir, plain.runDir]);
  const told = groupRuns(runs).map(({ differs }) => differs.reencoded);
  assert.deepEqual(told.sort(), ["short side 64, JPEG quality 90", undefined]);
});
