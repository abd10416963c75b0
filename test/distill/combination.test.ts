import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { METHODS, methodRow, weightedMethod } from "#pefd/distill/registry.js";
import { usedViews } from "#pefd/distill/views.js";
import { distilling } from "#pefd/learn/objective.js";
import type { Model } from "#pefd/nn/model.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, hooksStoppingAfter, randomTeacher, silentHooks, smallData } from "../train/runs.js";
import { everything } from "./everything.js";
import { fakeStepContext, opened, termsOf } from "./fakes.js";

before(() => {
  loadTensorFlow();
  METHODS.add(everything);
});

test("a sum has the terms of its methods, each as it is alone, and their weights make the loss", () => {
  const names = ["ours", "rkd", "kd1proj"] as const;
  const told = { distill: names.join("+"), gamma: 1, alpha: 0.5, beta: [25, 0.5, 2] };
  const { method, weights } = weightedMethod(told);
  const sum = opened(method);
  tf.tidy(() => {
    const at = fakeStepContext(sum);
    const terms = termsOf(sum, at);
    const alone = names.map((name) => termsOf(opened(methodRow(name)), at));
    const expected = {
      ours_alignment: alone[0]?.alignment,
      rkd_distance: alone[1]?.distance,
      rkd_angle: alone[1]?.angle,
      kd1proj: alone[2]?.kd1proj,
    };
    assert.deepEqual(terms, expected);
    const objective = distilling({
      method: sum,
      weights,
      temperature: 4,
      teacherMaps: [3],
      teacher: {} as Model,
    });
    const { strong: _, ...batch } = at;
    const lossOf = objective.of({ ...batch, guide: at.teacher } as never);
    const loss = lossOf(at.student, at.oneHot, { training: true, updates: [] });
    assert.deepEqual(objective.termNames, ["ce", "kl", ...Object.keys(expected)]);
    const found = loss.terms.map((term) => term.dataSync()[0] as number);
    const byHand = [1, 0.5, 25, 0.5, 0.5, 2].reduce((all, w, i) => all + w * (found[i] as number), 0);
    const value = loss.value.dataSync()[0] as number;
    assert.ok(Math.abs(value / byHand - 1) < 1e-5, `${value} instead of ${byHand}`);
  });
  assert.deepEqual(
    sum.state.filter(({ name }) => name.endsWith("0.weight")).map(({ name }) => name),
    ["ours.projectors.0.weight", "kd1proj.projectors.0.weight"],
  );
  for (const { variable } of sum.state) variable?.dispose();
});

test("a sum looks at what any of its methods looks at; one of weight zero takes no part", () => {
  const seen = (beta: number[]) => {
    const { method, weights } = weightedMethod({ distill: "ours+kd", gamma: 1, alpha: 0, beta });
    return [method.terms, usedViews(method.sees({}), weights)];
  };
  assert.deepEqual(seen([25, 0.9]), [
    ["ours_alignment", "kd"],
    ["logits", "pooled"],
  ]);
  assert.deepEqual(seen([25, 0]), [["ours_alignment"], ["pooled"]]);
  assert.deepEqual(seen([0, 0]), [[], []]);
  assert.deepEqual(methodRow("ours+kd").termWeights, { ours_alignment: 25, kd: 0.9 });
});

test("methods that are named twice, or decide the same thing, are refused", () => {
  assert.throws(() => methodRow("mlld+cs_kd"), { exitCode: 2, message: /second view is of the same images/ });
  assert.throws(() => methodRow("kd+ours+kd"), { exitCode: 2, message: /names kd twice/ });
  assert.throws(() => methodRow("kd+our"), { exitCode: 2, message: /Did you mean ours/ });
  const row = { ...everything, name: "other" };
  METHODS.add(row);
  assert.throws(() => opened(methodRow("everything+other")), {
    exitCode: 2,
    message: /everything and other cannot be summed: both decide/,
  });
});

const SUM = {
  distill: "everything+kd1proj+ours",
  gamma: 1,
  alpha: 0,
  beta: [0.5, 0.9, 25],
  save_freq: 1,
};

test("a sum's run: graph is eager, a stopped run goes on, folder, terms and tensors tell whose they are", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const options = (name: string, changes: object = {}) =>
    distillOptions(folder, { ...SUM, save_dir: join(folder, name), ...changes });
  const bytes = ({ runDir }: { runDir: string }) =>
    ["resnet8_last", "resnet8_last_projectors"].map((file) => readFileSync(join(runDir, `${file}.safetensors`)));
  const whole = await runDistill(options("whole"), silentHooks());
  const eager = await runDistill(options("eager", { engine: "eager" }), silentHooks());
  assert.deepEqual(bytes(eager), bytes(whole));
  const stopped = options("stopped", { tb_freq: 1 });
  await assert.rejects(runDistill(stopped, hooksStoppingAfter(2, 2)), { message: "stopped" });
  const resumed = await runDistill({ ...stopped, resume: true }, silentHooks());
  assert.deepEqual(bytes(resumed), bytes(whole));
  assert.ok(existsSync(whole.runDir));
  assert.equal(basename(whole.runDir), "S:resnet8_T:resnet8_cifar100_everything+kd1proj+ours_r:1_a:0_b:0.5+0.9+25_1");
  const [first] = readEpochLog(whole.runDir);
  const own = ["map", "bank", "drawn", "labels", "unfolded"].map((term) => `everything_${term}`);
  assert.deepEqual(Object.keys(first?.train.terms ?? {}), ["ce", ...own, "kd1proj", "ours_alignment"]);
  const { state } = await readCheckpoint(join(whole.runDir, "resnet8_last_projectors.safetensors"));
  const owners = new Set(Array.from(state.keys(), (name) => name.split(".")[0]));
  assert.deepEqual([...owners].sort(), ["everything", "kd1proj", "ours"]);
});
