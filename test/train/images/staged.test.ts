import assert from "node:assert/strict";
import { cpSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { TeacherOptions } from "#pefd/config/options.js";
import { synthesize } from "#pefd/data/folder/row.js";
import { convolution, definePlugin, globalAveragePool, linear, type ModelRow, relu } from "#pefd/plugin/index.js";
import { LOCK_FILE } from "#pefd/runFiles/stateFile.js";
import { copyOfBinding } from "#pefd/runtime/binding.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { use } from "#pefd/testing/scene.js";
import type { Hooks } from "#pefd/train/files/result.js";
import { runTeacher } from "#pefd/train/teacher.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { hooksStoppingAfter, silentHooks, teacherOptions } from "../runs.js";

/** A model that XLA compiles in a second. */
const model = {
  name: "oneConvolution",
  family: "plain",
  paper: "none: a test",
  initialization: {},
  architecture(builder, numClasses) {
    const conv = convolution(builder, "conv", { inputs: 3, outputs: 8, kernel: 3, stride: 2, padding: 1 });
    const fc = linear(builder, "fc", 8, numClasses);
    return {
      featureSize: 8,
      forward(images) {
        const beforeRelu = conv(images);
        const stem = { out: relu(beforeRelu), beforeRelu };
        const pooled = globalAveragePool(stem.out);
        return { stem, maps: [stem], pooled, logits: fc(pooled) };
      },
    };
  },
} satisfies ModelRow;

const staging = (hooks: Hooks = silentHooks()): Hooks => ({ ...hooks, env: { PEFD_STAGED: "1" } });

/** Five batches of 4 images and a short one of 2, in calls of two steps, two, one and one. */
async function scene(t: TestContext) {
  const folder = temporaryFolder(t);
  const data = join(folder, "images");
  await synthesize(data, { train: 22, test: 4, seed: 5, classes: 2 });
  const saveIn = (name: string): string => join(folder, name);
  const options = (save_dir: string, changes: Partial<TeacherOptions> = {}) =>
    teacherOptions(folder, {
      model: model.name,
      dataset: "folder",
      image_size: 32,
      data,
      engine: "xla",
      save_dir: saveIn(save_dir),
      batch_size: 4,
      tb_freq: 2,
      ...changes,
    });
  return { options, saveIn };
}

/** What TensorFlow's sessions are asked for from here on. */
function fetches(t: TestContext): string[] {
  const backend = nativeBackend();
  const { binding } = backend;
  const fetched: string[] = [];
  backend.binding = {
    ...copyOfBinding(binding),
    runSavedModel: (session, ids, inputs, outputs) => {
      fetched.push(outputs);
      return binding.runSavedModel(session, ids, inputs, outputs);
    },
  };
  t.after(() => {
    backend.binding = binding;
  });
  return fetched;
}

test("images that reach the device while the call before computes train the same bytes, after a stop and a kill, too", async (t) => {
  use(definePlugin({ models: [model] }));
  const { options, saveIn } = await scene(t);
  const plain = await runTeacher(options("plain"), silentHooks());

  const fetched = fetches(t);
  // What a kill in the second epoch would leave.
  const stepDone = ({ epoch, step }: { epoch: number; step: number }) => {
    if (epoch === 2 && step === 2) cpSync(saveIn("staged"), saveIn("killed"), { recursive: true });
  };
  const staged = await runTeacher(options("staged", { num_workers: 1 }), staging(silentHooks({ stepDone })));
  assert.equal(staged.weightsSha256, plain.weightsSha256);
  assert.deepEqual(staged.train, plain.train);
  const put = fetched.filter((names) => names.includes("images/done"));
  const within = put.filter((names) => names.includes("loop/done"));
  assert.deepEqual([put.length, within.length], [1 + 2 * 2, 2], "one compiles; an epoch has a first call and a second");

  const single = await runTeacher(options("single", { tb_freq: 1 }), staging());
  assert.equal(single.weightsSha256, plain.weightsSha256);

  // What the first call has staged for the second is never used.
  await assert.rejects(runTeacher(options("stopped"), staging(hooksStoppingAfter(1, 2))), { message: "stopped" });
  rmSync(join(staged.runDir.replace(saveIn("staged"), saveIn("killed")), LOCK_FILE));
  for (const interrupted of ["stopped", "killed"]) {
    const resumed = await runTeacher(options(interrupted, { resume: true }), staging());
    assert.equal(resumed.weightsSha256, plain.weightsSha256, interrupted);
  }
});
