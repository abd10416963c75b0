import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import type { TeacherOptions } from "#pefd/config/options.js";
import { synthesize } from "#pefd/data/tinyImageNet/tinyImageNet.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { groupRuns } from "#pefd/report/runs/grouping.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runTeacher } from "#pefd/train/teacher.js";
import { verifyRun } from "#pefd/verify/verify.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { silentHooks, teacherOptions } from "./runs.js";

before(() => {
  loadTensorFlow();
});

/** Options of runs of one epoch on images of which two are in a list. */
async function listed(t: TestContext) {
  const folder = temporaryFolder(t);
  await synthesize(join(folder, "data"), { train: 12, test: 6, seed: 5, classes: 3 });
  const skip_list = join(folder, "skip.txt");
  writeFileSync(skip_list, "# damaged\nval/images/val_1.png\nval/images/val_3.png\n");
  const options = (changes: Partial<TeacherOptions> = {}) =>
    teacherOptions(folder, {
      dataset: "tiny-imagenet",
      epochs: 1,
      learning_rate: 0.01,
      ...changes,
    });
  return { folder, skip_list, options };
}

test("a complete run of all images is not one that leaves some out; one that goes on may leave them out", async (t) => {
  const { folder, skip_list, options } = await listed(t);
  const { runDir } = await runTeacher(options(), silentHooks());
  await assert.rejects(runTeacher(options({ skip_list, resume: true }), silentHooks()), {
    exitCode: 2,
    message: /cannot be resumed as another run: the skip list: none then, [0-9a-f]{8} now\.$/,
  });
  await runTeacher(options({ skip_list, resume: true, epochs: 2 }), silentHooks());
  await assert.rejects(runTeacher(options({ resume: true, epochs: 2 }), silentHooks()), {
    message: /the skip list: [0-9a-f]{8} then, none now\.$/,
  });
  const reordered = join(folder, "reordered.txt");
  writeFileSync(reordered, "val/images/val_3.png\nval/images/val_1.png\n");
  await runTeacher(options({ skip_list: reordered, resume: true, epochs: 2 }), silentHooks());

  const list = async () => {
    const { findings } = await verifyRun(runDir);
    return findings.find(({ what }) => what === "images skipped")?.verdict;
  };
  assert.equal(await list(), "fits");
  writeFileSync(skip_list, "val/images/val_1.png\n");
  assert.equal(await list(), "differs");
});

test("reports hold runs apart that leave out other images", async (t) => {
  const { folder, skip_list, options } = await listed(t);
  const save_dir = (name: string) => join(folder, name);
  const runs = [
    options({ save_dir: save_dir("all"), trial: 1 }),
    options({ save_dir: save_dir("some"), trial: 2, skip_list }),
  ];
  const results = [];
  for (const run of runs) results.push(await runTeacher(run, silentHooks()));
  const { runs: records } = collectRuns(results.map(({ runDir }) => runDir));
  const groups = groupRuns(records);
  assert.deepEqual(
    groups.map(({ differs }) => Object.keys(differs)),
    [[], ["left_out"]],
  );
});
