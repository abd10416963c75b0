import assert from "node:assert/strict";
import { join } from "node:path";
import { before, test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import type { StateTensor } from "#pefd/common/stateDict.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, MODEL, randomTeacher, silentHooks, smallData, TRAIN_IMAGES } from "./runs.js";

before(() => {
  loadTensorFlow();
});

const CLASSIFIER = "fc.weight";

/** torch.optim.SGD on gradients of zero: v = momentum * v + decay * p; p = p - rate * v. */
function decayed(value: number, steps: number): number {
  let [p, v] = [value, 0];
  for (let step = 0; step < steps; step++) {
    v = 0.9 * v + 5e-4 * p;
    p -= 0.05 * v;
  }
  return p;
}

test("what only terms of weight zero reach of the student decays, as the paper's optimizer has it", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const options = distillOptions(folder, { gamma: 0, alpha: 0, beta: 25, epochs: 1 });
  for (const engine of ["eager", "graph"] as const) {
    const save_dir = join(folder, engine);
    const { runDir } = await runDistill({ ...options, engine, save_dir }, silentHooks());
    const { state } = await readCheckpoint(join(runDir, `${MODEL}_last.safetensors`));
    const after = toFloat32(state.get(CLASSIFIER) as StateTensor);
    const model = buildModel(MODEL, 100, initialFill(MODEL, 10, "student"));
    const { variable } = model.state.find(({ name }) => name === CLASSIFIER) ?? {};
    const before = variable?.dataSync() as Float32Array;
    const steps = Math.ceil(TRAIN_IMAGES / options.batch_size);
    after.forEach((value, i) => {
      const expected = decayed(before[i] as number, steps);
      assert.ok(Math.abs(value - expected) <= 1e-6 * Math.abs(expected) + 1e-9, `${value}, ${expected}`);
      assert.ok(before[i] === 0 || value !== before[i]);
    });
    tf.disposeVariables();
  }
});

test("what a method adds takes no part where its terms have no weight", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const options = distillOptions(folder, { gamma: 1, alpha: 1, beta: 0, epochs: 1 });
  const { runDir } = await runDistill(options, silentHooks());
  const { state } = await readCheckpoint(join(runDir, "resume.safetensors"));
  assert.deepEqual(
    [...state.keys()].filter((name) => name.startsWith("extra.")),
    [],
  );
});
