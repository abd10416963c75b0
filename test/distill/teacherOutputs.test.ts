import assert from "node:assert/strict";
import { before, test } from "node:test";
import { METHODS } from "#pefd/distill/registry.js";
import { partialOutput, TEACHER_OUTPUTS, usedOutputs } from "#pefd/distill/teacherOutputs.js";
import type { TeacherOutput } from "#pefd/distill/types.js";
import { formulaFill } from "#pefd/golden/formula.js";
import type { ModelOutput } from "#pefd/nn/model.js";
import { loadTensorFlow, type Tensor2D, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const SIZES = { featureSize: 4, numClasses: 5 };

const student = (): ModelOutput => {
  const features = tf.ones([2, 6]) as Tensor2D;
  return { features: [features], preactFeatures: [], logits: tf.ones([2, 5]) };
};

for (const row of METHODS.rows()) {
  test(`${row.name} looks at what its row names of the teacher, and at nothing else`, () => {
    const distillation = row.build({
      studentFeatureSize: 6,
      teacherFeatureSize: SIZES.featureSize,
      numClasses: SIZES.numClasses,
      numProjectors: 1,
      temperature: 4,
      fill: formulaFill(),
    });
    const named = row.teacherOutputs.map((name): [TeacherOutput, Tensor2D] => [
      name,
      tf.ones([2, TEACHER_OUTPUTS[name].size(SIZES)]),
    ]);
    const loss = distillation.loss(student(), partialOutput(Object.fromEntries(named)));
    assert.ok(Number.isFinite(loss.dataSync()[0]));
    for (const missing of row.teacherOutputs) {
      const rest = Object.fromEntries(named.filter(([name]) => name !== missing));
      assert.throws(() => distillation.loss(student(), partialOutput(rest)), {
        message: `The method uses the teacher's ${missing}, which its row does not name.`,
      });
    }
    tf.disposeVariables();
  });
}

test("terms of weight zero look at nothing", () => {
  const ours = { teacherOutputs: ["features"] as const };
  const kd = { teacherOutputs: ["logits"] as const };
  assert.deepEqual(usedOutputs(ours, { alpha: 0, beta: 25 }), ["features"]);
  assert.deepEqual(usedOutputs(ours, { alpha: 0.5, beta: 25 }), ["features", "logits"]);
  assert.deepEqual(usedOutputs(ours, { alpha: 0.5, beta: 0 }), ["logits"]);
  assert.deepEqual(usedOutputs(kd, { alpha: 0.5, beta: 1 }), ["logits"]);
  assert.deepEqual(usedOutputs(kd, { alpha: 0, beta: 0 }), []);
});
