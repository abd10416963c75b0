import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { integer } from "#pefd/common/optionRow.js";
import type { StateTensor } from "#pefd/common/stateDict.js";
import { resolveDistill } from "#pefd/config/derive.js";
import { defineMethod } from "#pefd/distill/method.js";
import { METHODS } from "#pefd/distill/registry.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { isParameter } from "#pefd/nn/builder.js";
import { linear } from "#pefd/nn/layers.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow, type Scalar, type Tensor, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { stateDictOf } from "#pefd/train/files/stateFiles.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, hooksStoppingAfter, randomTeacher, silentHooks, smallData } from "../train/runs.js";

const squared = (x: Tensor, y: Tensor): Scalar => tf.mean(tf.square(tf.sub(x, y)));

/** A translator learns alone for some epochs; the student's statistics follow meanwhile. */
const translated = defineMethod({
  name: "translated",
  summary: "a phase before the main part",
  paper: "none",
  code: "none",
  formula: "none",
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: { init_epochs: integer(1, "Epochs of the translator.", { min: 0 }) },
  defaults: { epochs: 3, learning_rate: 0.02 },
  terms: ["translation", "distance"],
  sees: () => ["pooled"],
  build({ student, teacher }, { init_epochs }, make) {
    const translator = linear(make, "translator", student.pooled, teacher.pooled);
    return {
      terms: (at) => ({ distance: squared(translator(at.student.pooled), at.teacher.pooled) }),
      phases: [
        {
          epochs: init_epochs,
          terms: ["translation"],
          learningRate: 0.01,
          learns: make.state.flatMap(({ variable }) => (variable ? [variable] : [])),
          loss: (at) => ({
            translation: squared(translator(at.student.pooled), at.teacher.pooled),
          }),
        },
      ],
    };
  },
});

before(() => {
  loadTensorFlow();
  METHODS.add(translated);
});

async function values(path: string): Promise<Map<string, Float32Array>> {
  const { state } = await readCheckpoint(path);
  return new Map(Array.from(state, ([name, tensor]: [string, StateTensor]) => [name, toFloat32(tensor)]));
}

test("a phase has its own loss, rate and parameters; stopped in any part, a run goes on to the same bytes", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const options = (name: string, changes: object = {}) =>
    distillOptions(folder, {
      distill: "translated",
      gamma: 1,
      alpha: 0,
      beta: 1,
      epochs: 3,
      save_freq: 1,
      lr_decay_epochs: [1],
      save_dir: join(folder, name),
      ...changes,
    });
  const bytes = ({ runDir }: { runDir: string }) =>
    ["resnet8_last", "resnet8_last_projectors"].map((file) => readFileSync(join(runDir, `${file}.safetensors`)));
  const whole = await runDistill(options("whole"), silentHooks());
  const eager = await runDistill(options("eager", { engine: "eager" }), silentHooks());
  assert.deepEqual(bytes(eager), bytes(whole));
  const places = [
    [1, 2],
    [2, 1],
  ] as const;
  for (const [epoch, step] of places) {
    const stopped = options(`stopped${epoch}`, { tb_freq: 1 });
    const hooks = hooksStoppingAfter(epoch, step);
    await assert.rejects(runDistill(stopped, hooks), { message: "stopped" });
    const resumed = await runDistill({ ...stopped, resume: true }, silentHooks());
    assert.deepEqual(bytes(resumed), bytes(whole));
  }
  const rows = readEpochLog(whole.runDir);
  assert.deepEqual(
    rows.map(({ learningRate }) => learningRate),
    [0.01, 0.05, 0.05 * 0.1],
  );
  const told = rows.map(({ train }) =>
    Object.entries(train.terms ?? {})
      .filter(([, value]) => !Number.isNaN(value))
      .map(([name]) => name),
  );
  assert.deepEqual(told, [["translation"], ["ce", "distance"], ["ce", "distance"]]);
  const weights = (epoch: number, name: string) => values(join(whole.runDir, `ckpt_epoch_${epoch}${name}.safetensors`));
  const [first, second] = [await weights(1, ""), await weights(2, "")];
  assert.notDeepEqual(first.get("fc.weight"), second.get("fc.weight"));
  const [started, kept] = [await weights(1, "_projectors"), await weights(2, "_projectors")];
  assert.notDeepEqual(started.get("translator.weight"), kept.get("translator.weight"));
  const { state } = await readCheckpoint(join(whole.runDir, "ckpt_epoch_1.safetensors"));
  const untrained = buildModel("resnet8", 100, initialFill("resnet8", 10, "student"));
  for (const entry of untrained.state.filter(({ role }) => isParameter(role))) {
    const own = stateDictOf([entry], 0).get(entry.name);
    assert.deepEqual(state.get(entry.name)?.data, own?.data, `${entry.name} is not trained yet`);
  }
  tf.dispose(variablesOf(untrained.state));
});

test("a run that its phases take all of says so, and goes on with its main part when it is given more epochs", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const options = (name: string, epochs: number) =>
    distillOptions(folder, {
      distill: "translated",
      gamma: 1,
      alpha: 0,
      beta: 1,
      init_epochs: 2,
      epochs,
      save_dir: join(folder, name),
    });
  const notices: string[] = [];
  const notice = (text: string) => void notices.push(text);
  const short = await runDistill(options("short", 2), silentHooks({ notice }));
  assert.match(notices.join("\n"), /Of --epochs 2 the method's first 2 .* --epochs 3 or more/);
  const longer = await runDistill({ ...options("short", 3), resume: true }, silentHooks());
  const whole = await runDistill(options("whole", 3), silentHooks());
  assert.equal(longer.runDir, short.runDir);
  assert.equal(longer.weightsSha256, whole.weightsSha256);
});

test("the published procedure's options stand where none is given", () => {
  const layer = (values: object) => ({
    label: (name: string) => name,
    origin: () => "flag",
    values: { ...values },
  });
  const resolve = (given: object) => {
    const { options, origins } = resolveDistill([layer({ distill: "translated", ...given })]);
    return [options.epochs, options.learning_rate, origins.epochs];
  };
  assert.deepEqual(resolve({}), [3, 0.02, "default of translated"]);
  assert.deepEqual(resolve({ epochs: 9 }), [9, 0.02, "flag"]);
});
