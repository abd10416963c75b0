import assert from "node:assert/strict";
import { before, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { METHODS, methodNames, methodRow } from "#pefd/distill/registry.js";
import type { DistillSetting } from "#pefd/distill/types.js";
import { formulaFill } from "#pefd/golden/formula.js";
import type { ModelOutput } from "#pefd/nn/model.js";
import { loadTensorFlow, type Tensor2D, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const setting = (changes: Partial<DistillSetting> = {}): DistillSetting => ({
  studentFeatureSize: 6,
  teacherFeatureSize: 4,
  numClasses: 5,
  numProjectors: 3,
  temperature: 4,
  fill: formulaFill(),
  ...changes,
});

const output = (features: Tensor2D, logits: Tensor2D): ModelOutput => ({
  features: [features],
  preactFeatures: [features],
  logits,
});

test("the paper's methods and their published weights", () => {
  const weights = METHODS.rows().map(({ name, defaults: d }) => [name, d.gamma, d.alpha, d.beta]);
  assert.deepEqual(weights, [
    ["ours", 1, 0, 25],
    ["kd", 0.1, 0, 0.9],
    ["kd1proj", 0.1, 0, 0.9],
  ]);
});

test("an unknown method is refused with the nearest name", () => {
  assert.throws(
    () => methodRow("our"),
    (error) =>
      error instanceof PefdError && error.exitCode === 2 && /Did you mean ours/.test(error.message),
  );
});

test("projectors map the student's width to the teacher's and are named for checkpoints", () => {
  const { state } = methodRow("ours").build(setting());
  assert.deepEqual(
    state.map(({ name, shape }) => [name, shape]),
    [0, 1, 2].flatMap((i) => [
      [`projectors.${i}.weight`, [4, 6]],
      [`projectors.${i}.bias`, [4]],
    ]),
  );
  for (const { variable } of state) variable?.dispose();
});

test("without projectors features are compared directly, and only where the sizes agree", () => {
  assert.throws(
    () => methodRow("ours").build(setting({ numProjectors: 0 })),
    (error) => error instanceof PefdError && /6.*4/.test(error.message) && error.exitCode === 2,
  );
  const direct = methodRow("ours").build(setting({ numProjectors: 0, studentFeatureSize: 4 }));
  assert.equal(direct.state.length, 0);
  tf.tidy(() => {
    const logits = tf.zeros([2, 5]) as Tensor2D;
    const student = output(tf.tensor2d([1, 0, 0, 0, 0, 2, 0, 0], [2, 4]), logits);
    const teacher = output(tf.tensor2d([3, 0, 0, 0, 0, 0, 5, 0], [2, 4]), logits);
    // cosines 1 and 0
    assert.ok(Math.abs((direct.loss(student, teacher).dataSync()[0] as number) - 0.5) < 1e-6);
  });
});

test("every method gives a finite scalar for outputs of unequal width, and frees what it makes", () => {
  for (const name of methodNames()) {
    const before = tf.memory().numTensors;
    const distillation = methodRow(name).build(setting());
    const loss = tf.tidy(() => {
      const student = output(tf.randomUniform([3, 6]), tf.randomNormal([3, 5]));
      const teacher = output(tf.randomUniform([3, 4]), tf.randomNormal([3, 5]));
      const value = distillation.loss(student, teacher);
      assert.deepEqual(value.shape, []);
      return value.dataSync()[0] as number;
    });
    assert.ok(Number.isFinite(loss) && loss > 0, `${name}: ${loss}`);
    for (const { variable } of distillation.state) variable?.dispose();
    assert.equal(tf.memory().numTensors, before);
  }
});
