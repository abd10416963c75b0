import assert from "node:assert/strict";
import { before, test } from "node:test";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import type { Model } from "#pefd/nn/model.js";
import { loadTensorFlow, type Tensor2D, tf } from "#pefd/runtime/tf.js";
import { evaluateModel } from "#pefd/train/evaluation.js";
import { streamedSource } from "#pefd/train/source.js";

/** Means of the channels as logits: nothing to train, little to compile. */
const meansOfChannels: Model = {
  name: "means",
  numClasses: 3,
  featureSize: 3,
  state: [],
  forward: (images) => {
    const logits = tf.mean(images, [1, 2]) as Tensor2D;
    return { stem: undefined, maps: [], pooled: logits, logits };
  },
};

const COUNT = 60;

function testSet() {
  const images = Uint8Array.from({ length: COUNT * 32 * 32 * 3 }, (_, i) => (i * 31) % 251);
  const labels = Uint8Array.from({ length: COUNT }, (_, i) => i % 3);
  return { kind: "memory", images, labels, count: COUNT, ...CIFAR100_FORMAT } as const;
}

before(() => {
  loadTensorFlow();
});

async function evaluated(engine: "eager" | "xla") {
  const told: string[] = [];
  const subject = { model: meansOfChannels, constants: [], test: streamedSource(testSet()) };
  const choice = { engine, precision: "float32", device: "" } as const;
  const { loss } =
    (await evaluateModel(subject, choice, undefined, {
      phase: (text) => told.push(text),
      onProgress: (images) => told.push(`${images} images`),
    })) ?? assert.fail();
  return { loss, told };
}

test("an evaluation compiles before its first step, tells so, and computes the same", async () => {
  const eager = await evaluated("eager");
  assert.deepEqual(eager.told, ["50 images", "60 images"]);
  const { loss, told } = await evaluated("xla");
  assert.ok(Math.abs(loss - eager.loss) < 1e-5 * eager.loss, `${loss} and ${eager.loss}`);
  const programs = told.filter((text) => text.startsWith("compiling with XLA"));
  assert.ok(programs.length > 0);
  assert.deepEqual(told.slice(0, programs.length), programs);
  assert.equal(told.at(-1), "60 images");
});
