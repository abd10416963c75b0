import assert from "node:assert/strict";
import { before, test } from "node:test";
import { regionLogits, regionWeights } from "#pefd/distill/parts/classMaps.js";
import { learnerVariables, variablesOf } from "#pefd/learn/learner.js";
import { studentLearner } from "#pefd/learn/learners.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { loadTensorFlow, type Tensor, type Tensor2D, type Tensor4D, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

test("regions are the whole, its quarters and their quarters, each through the classifier", () => {
  tf.tidy(() => {
    const map = tf.reshape(tf.range(0, 64), [1, 8, 8, 1]) as Tensor4D;
    const classifier = {
      weight: tf.zeros([2, 1]) as Tensor2D,
      bias: tf.zeros([2]) as Tensor,
      logits: (x: Tensor2D) => tf.concat([x, tf.add(tf.mul(x, 2), 1)], 1) as Tensor2D,
    };
    const found = regionLogits(map, classifier, 4).arraySync()[0]?.[0] ?? [];
    assert.equal(found.length, 1 + 4 + 16);
    assert.deepEqual(found[0], [31.5, 64]);
    assert.deepEqual(
      found.slice(1, 5).map(([mean]) => mean),
      [13.5, 17.5, 45.5, 49.5],
    );
    assert.deepEqual(
      found.slice(5, 7).map(([mean]) => mean),
      [4.5, 6.5],
    );
    assert.deepEqual(regionLogits(map, classifier, 1).shape, [1, 1, 1, 2]);
  });
});

test("regions weigh double of which the teacher thinks otherwise than of the whole", () => {
  tf.tidy(() => {
    const [right, wrong] = [
      [1, 0],
      [0, 1],
    ];
    const teacher = tf.tensor4d([[[right, wrong, right]], [[wrong, wrong, right]]] as never);
    const weights = regionWeights(teacher, tf.tensor1d([0, 0], "int32"));
    assert.deepEqual(Array.from(weights.dataSync()), [1, 2, 1, 1, 1, 2]);
  });
});

test("cat_kd's student has no bias in its classifier: it is zero and does not learn", () => {
  const teacher = buildModel("resnet8", 10, initialFill("resnet8", 1, "teacher"));
  const setting = { model_s: "resnet8", distill: "cat_kd", gamma: 1, alpha: 0 };
  const bias = (beta: number) => {
    const learner = studentLearner(teacher, { ...setting, beta }, 10, 1);
    const entry = learner.model.state.find(({ name }) => name === "fc.bias");
    const values = entry?.variable?.dataSync() ?? [];
    const learns = learner.learns?.has(entry?.variable as never) ?? true;
    const isZero = Array.from(values).every((value) => value === 0);
    tf.dispose(learnerVariables(learner));
    return { isZero, learns };
  };
  assert.deepEqual(bias(15), { isZero: true, learns: false });
  assert.deepEqual(bias(0), { isZero: false, learns: true });
  tf.dispose(variablesOf(teacher.state));
});
