import assert from "node:assert/strict";
import { before, test } from "node:test";
import { procedures } from "#pefd/distill/registry.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { casesOf, spreadOf, tellRest } from "../helpers/matrices.js";
import { noiseImages, type Pupil, smallestOfFamilies, studentPupil, study, teacherPupil } from "./scenes.js";

before(() => {
  loadTensorFlow();
});

/** Trains the same thing eagerly and as a graph; every bit of what is left must be the same. */
function assertSameBits(create: () => Pupil, images: number, batchSize: number, epochs: number) {
  // Some losses grow without end on untrained weights at the rate of a training.
  const setup = { train: noiseImages(images, 1), batchSize, epochs, learningRate: 0.002 };
  const before = tf.memory().numTensors;
  const eager = study(create(), { ...setup, engine: "eager" });
  const graph = study(create(), { ...setup, engine: "graph" });
  assert.deepEqual(graph.losses, eager.losses);
  // On processors where TensorFlow takes oneDNN's kernels, a graph joins the batch normalisations of an evaluation with
  // their neighbours, with other last bits. Nothing that is trained passes through an evaluation.
  assert.ok(Math.abs(graph.testLoss / eager.testLoss - 1) < 1e-6);
  eager.weights.forEach((bytes, i) => {
    assert.ok(bytes.equals(graph.weights[i] as Buffer), `${eager.names[i]} differs`);
  });
  assert.ok(new Set(eager.losses).size > 1 && eager.losses.every(Number.isFinite));
  assert.equal(tf.memory().numTensors, before);
}

// Shorter courses of every method with other students, and of all families: test/distill/families.
const methods = spreadOf(procedures(), 6);
for (const { name } of methods.cases) {
  test(`${name}: 20 steps of graph and eager are the same, bit for bit`, () => {
    assertSameBits(() => studentPupil(name), 14, 4, 5); // 3 whole batches and one of 2, five times
  });
}

const models = casesOf(smallestOfFamilies(), 1);
for (const name of models.cases) {
  test(`${name}: 20 steps of graph and eager are the same, bit for bit`, () => {
    assertSameBits(() => teacherPupil(name), 14, 4, 5);
  });
}

tellRest([...methods.rest, ...models.rest]);
