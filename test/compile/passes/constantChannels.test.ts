import assert from "node:assert/strict";
import { before, test } from "node:test";
import { batchNormTraining } from "#pefd/nn/batchNormalization.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { programOf, variable } from "../programs.js";

before(() => {
  loadTensorFlow();
});

const PIXELS = 2 * 7 * 7;

// Means of squares less squares of means are below zero for some of these, by rounding.
const LEVELS = [10.1, 33.3, 47.7, 101.3, 333.3, 1001.7, 3003.9];

test("xla: a channel whose values are all the same is normalised to its offset", (t) => {
  const levels = variable(t, LEVELS);
  const results = variable(t, LEVELS);
  const program = programOf("xla", [levels, results], ({ x }) => {
    const images = tf.tile(tf.reshape(levels, [1, 1, 1, LEVELS.length]), [2, 7, 7, 1]);
    const { y } = batchNormTraining(images as Tensor4D, tf.fill([LEVELS.length], 1), tf.fill([LEVELS.length], 0.5));
    const mean = tf.mean(tf.reshape(y, [PIXELS, LEVELS.length]), 0);
    return [[results, tf.add(mean, tf.mul(tf.sum(x as never), 0))]];
  });
  program.push("all");
  program.run("step", { x: Float32Array.of(0, 0) }, 1);
  program.pull("all");
  program.dispose();
  const found = results.dataSync();
  // The mean of a sum of large numbers is off by rounding, which a root of nearly nothing makes larger.
  for (const [i, value] of found.entries()) {
    assert.ok(Math.abs(value - 0.5) < 1, `${LEVELS[i]} becomes ${value}`);
  }
});
