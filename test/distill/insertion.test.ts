import assert from "node:assert/strict";
import { before, test } from "node:test";
import { methodRow } from "#pefd/distill/registry.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { studentLearner } from "#pefd/learn/learners.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { MODELS } from "#pefd/models/registry.js";
import { mapShapes } from "#pefd/models/survey.js";
import type { ForwardContext, Inserted } from "#pefd/nn/model.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { opened } from "./fakes.js";

before(() => {
  loadTensorFlow();
});

const EVALUATION: ForwardContext = { training: false, updates: [] };

/** The first model of every family and paper that has a last stage, and one of each other file of layers. */
const MODELS_TRIED = MODELS.rows().filter(({ name, family, paper, patch }, i, all) => {
  if (patch !== undefined) return false;
  const first = all.findIndex((row) => row.family === family && row.paper === paper);
  return first === i || ["ResNet18", "RESNET18"].includes(name);
});

for (const { name, imageSize = 32, numClasses = 10 } of MODELS_TRIED) {
  test(`${name}: layers behind the last stage are called once and seen by all that follows`, () => {
    const model = buildModel(name, numClasses, initialFill(name, 1, "student"));
    const images = tf.randomNormal([2, imageSize, imageSize, 3], 0, 1, "float32", 1) as Tensor4D;
    tf.tidy(() => {
      const calls: (readonly number[])[] = [];
      const insertion = (map: Tensor4D): Inserted => {
        calls.push(map.shape.slice(1));
        return { out: tf.add(map, 1), inserted: tf.mul(map, 2) };
      };
      const plain = model.forward(images, EVALUATION);
      const changed = model.forward(images, { ...EVALUATION, insertion });
      assert.deepEqual(calls, [mapShapes(name).lastMap]);
      assert.equal(plain.inserted, undefined);
      assert.deepEqual(changed.inserted?.shape.slice(1), mapShapes(name).lastMap);
      assert.notDeepEqual(changed.pooled.dataSync(), plain.pooled.dataSync());
      assert.notDeepEqual(changed.logits.dataSync(), plain.logits.dataSync());
    });
    images.dispose();
    tf.dispose(variablesOf(model.state));
  });
}

test("norm: its layers count in evaluations, unless its term has no weight", () => {
  const teacher = buildModel("resnet8", 10, initialFill("resnet8", 1, "teacher"));
  const images = tf.randomNormal([2, 32, 32, 3], 0, 1, "float32", 1) as Tensor4D;
  const logitsWith = (beta: number) => {
    const setting = { model_s: "resnet8", distill: "norm", gamma: 1, alpha: 0, beta };
    const { model } = studentLearner(teacher, setting, 10, 5);
    return tf.tidy(() => model.forward(images, EVALUATION).logits.dataSync());
  };
  assert.notDeepEqual(logitsWith(1), logitsWith(0));
  tf.disposeVariables();
  images.dispose();
});

test("norm: rows of what the cross entropy sees have mean 0 and deviation 2.5", () => {
  const { logits } = opened(methodRow("norm"));
  tf.tidy(() => {
    const seen = logits?.(tf.tensor2d([1, 2, 3, 10, -1, 0, 0, 0], [2, 4])) ?? tf.zeros([2, 4]);
    for (const row of seen.arraySync() as number[][]) {
      const mean = row.reduce((sum, x) => sum + x, 0) / row.length;
      const square = row.reduce((sum, x) => sum + (x - mean) ** 2, 0) / row.length;
      assert.ok(Math.abs(mean) < 1e-5 && Math.abs(Math.sqrt(square) - 2.5) < 1e-4);
    }
  });
});
