import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { methodNames, methodRow } from "#pefd/distill/registry.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { casesOf, tellRest } from "../helpers/matrices.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, hooksStoppingAfter, randomTeacher, silentHooks, smallData } from "../train/runs.js";

before(() => {
  loadTensorFlow();
});

const phased = methodNames().filter((name) => "init_epochs" in methodRow(name).options);
const { cases, rest } = casesOf(phased, 1);

for (const distill of cases) {
  test(`${distill}: graph is eager's bytes through both parts, and a run stopped in the first one goes on to them`, async (t) => {
    const folder = temporaryFolder(t);
    await smallData(folder);
    await randomTeacher(folder);
    const options = (name: string, changes: object = {}) =>
      distillOptions(folder, {
        distill,
        ...methodRow(distill).weights,
        epochs: 2,
        init_epochs: 1,
        learning_rate: 0.001, // At the rate of a training some losses grow without end here.
        save_dir: join(folder, name),
        ...changes,
      });
    const bytes = ({ runDir }: { runDir: string }) => readFileSync(join(runDir, "resnet8_last.safetensors"));
    const graph = await runDistill(options("graph"), silentHooks());
    const eager = await runDistill(options("eager", { engine: "eager" }), silentHooks());
    assert.deepEqual(bytes(eager), bytes(graph));
    const stopped = options("stopped", { tb_freq: 1 });
    await assert.rejects(runDistill(stopped, hooksStoppingAfter(1, 2)), { message: "stopped" });
    const resumed = await runDistill({ ...stopped, resume: true }, silentHooks());
    assert.deepEqual(bytes(resumed), bytes(graph));
  });
}

tellRest(rest);
