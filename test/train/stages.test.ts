import assert from "node:assert/strict";
import { before, test } from "node:test";
import { defineMethod, type StepContext } from "#pefd/distill/method.js";
import { METHODS } from "#pefd/distill/registry.js";
import type { Learner } from "#pefd/learn/learner.js";
import { linear } from "#pefd/nn/layers.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow, type Scalar, type Tensor, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { shortRunText, stagesOf } from "#pefd/train/session.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, randomTeacher, silentHooks, smallData } from "./runs.js";

const squared = (x: Tensor, y: Tensor): Scalar => tf.mean(tf.square(tf.sub(x, y)));

/** A linear map that learns alone, for two epochs at a rate of its own and for one at the run's. */
const thrice = defineMethod({
  name: "thrice",
  summary: "two phases before the main part",
  paper: "none",
  code: "none",
  formula: "none",
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {},
  terms: ["alone", "distance"],
  sees: () => ["pooled"],
  build({ student, teacher }, _, make) {
    const map = linear(make, "map", student.pooled, teacher.pooled);
    const learns = make.state.flatMap(({ variable }) => (variable ? [variable] : []));
    const loss = (at: StepContext) => squared(map(at.student.pooled), at.teacher.pooled);
    const phase = {
      learns,
      terms: ["alone" as const],
      loss: (at: StepContext) => ({ alone: loss(at) }),
    };
    return {
      terms: (at) => ({ distance: loss(at) }),
      phases: [
        { ...phase, epochs: 2, learningRate: 0.01 },
        { ...phase, epochs: 1 },
      ],
    };
  },
});

before(() => {
  loadTensorFlow();
  METHODS.add(thrice);
});

test("phases take as many epochs as they ask for, at their rates; then the schedule begins", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  await randomTeacher(folder);
  const schedule = { epochs: 5, lr_decay_epochs: [1], learning_rate: 0.05 };
  const options = distillOptions(folder, { distill: "thrice", beta: 1, ...schedule });
  const { runDir } = await runDistill(options, silentHooks());
  const rows = readEpochLog(runDir);
  const rates = rows.map(({ learningRate }) => learningRate);
  assert.deepEqual(rates, [0.01, 0.01, 0.05, 0.05, 0.05 * 0.1]);
  const seen = rows.map(({ train }) => Number.isFinite(train.terms?.ce));
  assert.deepEqual(seen, [false, false, false, true, true], "cross entropy is the main part's");
});

const learner = {
  phases: [2, 0, 3].map((epochs) => ({ epochs, learner: {}, continues: false })),
} as never as Learner;

test("parts follow each other without a gap, and one of no epochs is none", () => {
  const ends = stagesOf(learner).map(({ first, end }) => [first, end]);
  assert.deepEqual(ends, [
    [1, 3],
    [3, 6],
    [6, Number.POSITIVE_INFINITY],
  ]);
});

test("a part starts with a fresh optimizer and a schedule of its own, unless it goes on with the one before", () => {
  const continued = (...continues: boolean[]) => {
    const phases = continues.map((one) => ({ epochs: 2, learner: {}, continues: one }));
    const stages = stagesOf({ phases } as never as Learner);
    return stages.map(({ resetsMomentum, scheduleFrom }) => [resetsMomentum, scheduleFrom]);
  };
  assert.deepEqual(continued(false), [
    [false, undefined],
    [true, 3],
  ]);
  assert.deepEqual(continued(true), [
    [false, 1],
    [false, 1],
  ]);
  assert.deepEqual(continued(false, true), [
    [false, undefined],
    [true, 3],
    [false, 3],
  ]);
});

test("a run that ends before its main part says so, with the number that would do", () => {
  const stages = stagesOf(learner);
  assert.equal(shortRunText(stages, 6), undefined);
  assert.match(shortRunText(stages, 5) ?? "", /--epochs 5 .* first 5 .*--epochs 6 or more/);
});
