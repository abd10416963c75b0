import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { engineNames } from "#pefd/compile/program.js";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { createDetailedMetrics } from "#pefd/learn/metrics.js";
import type { Model } from "#pefd/nn/model.js";
import { loadTensorFlow, type Tensor2D, tf } from "#pefd/runtime/tf.js";
import { evaluateModel } from "#pefd/train/evaluation.js";
import { streamedSource } from "#pefd/train/source.js";

/** More than fit one batch, and not a multiple of it, so that the last one is filled up. */
const COUNT = 203;
const CLASSES = 3;

/** Takes an image for the channel that is strongest in it. */
const strongestChannel: Model = {
  name: "strongest",
  numClasses: CLASSES,
  featureSize: CLASSES,
  state: [],
  forward: (images) => {
    const logits = tf.mean(images, [1, 2]) as Tensor2D;
    return { stem: undefined, maps: [], pooled: logits, logits };
  },
};

/** The class that image i looks like. */
const look = (i: number): number => (i % 7) % CLASSES;
const label = (i: number): number => i % CLASSES;

function testSet() {
  const pixels = 32 * 32;
  const images = new Uint8Array(COUNT * pixels * 3);
  for (let i = 0; i < COUNT; i++) {
    for (let p = 0; p < pixels; p++) images[(i * pixels + p) * 3 + look(i)] = 255;
  }
  const labels = Uint8Array.from({ length: COUNT }, (_, i) => label(i));
  return { kind: "memory", images, labels, count: COUNT, ...CIFAR100_FORMAT } as const;
}

function expectedCounts(): number[] {
  const counts = new Array<number>(CLASSES * CLASSES).fill(0);
  for (let i = 0; i < COUNT; i++) {
    const cell = label(i) * CLASSES + look(i);
    counts[cell] = (counts[cell] as number) + 1;
  }
  return counts;
}

describe("a confusion matrix counts every test image once", () => {
  before(() => loadTensorFlow());
  for (const engine of engineNames()) {
    it(engine, async () => {
      const { confusion, top1 } =
        (await evaluateModel(
          { model: strongestChannel, constants: [], test: streamedSource(testSet()) },
          { engine, precision: "float32", device: "" },
          createDetailedMetrics(CLASSES),
        )) ?? assert.fail();
      const counts = expectedCounts();
      assert.deepEqual([...(confusion ?? [])], counts);
      const right = (counts[0] as number) + (counts[4] as number) + (counts[8] as number);
      assert.ok(Math.abs(top1 - (100 * right) / COUNT) < 1e-4);
    });
  }

  it("graph in bfloat16, where 200 of a kind are still counted exactly", async () => {
    const images = { ...testSet(), labels: new Uint8Array(COUNT) };
    images.images.fill(0);
    for (let i = 0; i < images.images.length; i += 3) images.images[i] = 255;
    const { confusion, top1 } =
      (await evaluateModel(
        { model: strongestChannel, constants: [], test: streamedSource(images) },
        { engine: "graph", precision: "bfloat16", device: "" },
        createDetailedMetrics(CLASSES),
      )) ?? assert.fail();
    assert.deepEqual([...(confusion ?? [])], [COUNT, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert.equal(top1, 100);
  });
});
