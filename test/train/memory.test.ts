import assert from "node:assert/strict";
import { before, test } from "node:test";
import { median } from "#pefd/common/median.js";
import type { EngineName } from "#pefd/compile/types.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { withMany } from "../helpers/matrices.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "./runs.js";

before(() => {
  loadTensorFlow();
});

const ENGINES: readonly EngineName[] = ["eager", "graph"];

for (const engine of ENGINES) {
  test(`${engine}: steps, evaluations and checkpoints leave no tensor behind`, async (t) => {
    const folder = temporaryFolder(t);
    await smallData(folder);
    await randomTeacher(folder);
    const counts = { steps: new Set<number>(), epochs: new Set<number>() };
    const hooks = silentHooks({
      stepDone: () => counts.steps.add(tf.memory().numTensors),
      epochDone: () => counts.epochs.add(tf.memory().numTensors),
    });
    await runDistill(distillOptions(folder, { engine, epochs: 3, tb_freq: 1, save_freq: 1 }), hooks);
    assert.equal(counts.steps.size, 1, [...counts.steps].join());
    assert.equal(counts.epochs.size, 1, [...counts.epochs].join());
  });
}

test("a run in a process that goes on leaves no tensor behind", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const before = tf.memory().numTensors;
  await runDistill(distillOptions(folder, { epochs: 1 }), silentHooks());
  assert.equal(tf.memory().numTensors, before);
});

const ALL_ENGINES: readonly EngineName[] = [...ENGINES, "xla"];

for (const engine of ALL_ENGINES) {
  const skip = engine === "xla" && withMany;
  test(`${engine}: the process grows by less than 5 % from the third of 30 epochs on`, {
    skip,
  }, async (t) => {
    const folder = temporaryFolder(t);
    await smallData(folder);
    await randomTeacher(folder);
    const sizes: number[] = [];
    const hooks = silentHooks({ epochDone: () => sizes.push(process.memoryUsage.rss()) });
    await runDistill(distillOptions(folder, { engine, epochs: 30 }), hooks);
    assert.equal(sizes.length, 30);
    // Single readings dip when the garbage collector has just run.
    const [early, late] = [median(sizes.slice(2, 9)), median(sizes.slice(-7))];
    assert.ok(late < 1.05 * early, sizes.map((size) => (size / 1e6).toFixed(0)).join(" "));
  });
}
