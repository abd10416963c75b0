import assert from "node:assert/strict";
import { before, test } from "node:test";
import { trainingWork } from "#pefd/bench/work.js";
import { teacherLearner } from "#pefd/learn/learners.js";
import { readMetrics } from "#pefd/learn/metrics.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

/** More steps than one call takes, so that a repeat is of two calls. */
const [STEPS, BATCH] = [70, 1];

test("the first step is one, a repeat as many as were asked for, on every image once", () => {
  const tensors = tf.memory().numTensors;
  const learner = teacherLearner("resnet8", 10, 1);
  const sizes = { batchSize: BATCH, steps: STEPS, testImages: 2 };
  const work = trainingWork("train teacher resnet8", learner, [], sizes);
  assert.deepEqual([work.batchSize, work.steps, work.images], [BATCH, STEPS, STEPS * BATCH]);
  const opened = work.open({ engine: "graph", precision: "float32" });
  opened.first();
  assert.equal(readMetrics(learner.metrics).images, BATCH);
  opened.repeat(1);
  assert.equal(readMetrics(learner.metrics).images, BATCH + work.images);
  opened.dispose();
  work.dispose();
  assert.equal(tf.memory().numTensors, tensors, "nothing is left");
});
