import assert from "node:assert/strict";
import { before, test } from "node:test";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { epochPlan } from "#pefd/data/sampler.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { type BatchSource, chooseSources, prefetchedSource, streamedSource } from "#pefd/train/source.js";
import { noiseImages, study, teacherPupil } from "../compile/scenes.js";

const { augmentation: SHIFT } = CIFAR100_FORMAT;

before(() => {
  loadTensorFlow();
});

const IMAGES = 40;
const set = noiseImages(IMAGES, 3);

/** A batch of plan rows as the step sees it. */
function batchOf(source: BatchSource, rows: Int32Array, size: number) {
  const values = source.values(rows);
  return tf.tidy(() => {
    const specs = Object.entries(source.specs(size));
    const feeds = specs.map(([name, { shape, dtype }]) => [
      name,
      tf.tensor(values[name] as Float32Array, [...shape], dtype),
    ]);
    const { images, labels } = source.batch(Object.fromEntries(feeds));
    return { images: images.dataSync().slice(), labels: labels.dataSync().slice() };
  });
}

test("images beyond the budget are streamed, and the batches are the same, bit for bit", (t) => {
  const [resident] = chooseSources([set], "xla") as [BatchSource];
  t.after(() => tf.dispose([...resident.variables]));
  const [streamed] = chooseSources([set], "xla", { budgetMb: 0.4 }) as [BatchSource]; // 40 images take 0.49 MB
  assert.deepEqual([resident.variables.length, streamed.variables.length], [2, 0]);
  const plan = epochPlan(10, 1, IMAGES, SHIFT); // every image once, with all kinds of crops and flips
  const [near, far] = [batchOf(resident, plan, IMAGES), batchOf(streamed, plan, IMAGES)];
  assert.deepEqual(near.labels, far.labels);
  assert.deepEqual(near.images, far.images);
});

test("sets share the budget; engines that take one step per call are always fed", (t) => {
  const sources = chooseSources([set, set], "xla", { budgetMb: 0.9 });
  t.after(() => tf.dispose(sources.flatMap(({ variables }) => variables)));
  assert.deepEqual(
    sources.map(({ variables }) => variables.length),
    [0, 0],
  );
  const graph = chooseSources([set], "graph") as [BatchSource];
  assert.equal(graph[0].variables.length, 0);
});

test("a run whose images are made ahead ends with the weights of one whose images are not", () => {
  const setup = { engine: "xla", train: noiseImages(28, 5), batchSize: 4, epochs: 2 } as const;
  const weights = [streamedSource, prefetchedSource].map(
    (source) => study(teacherPupil("resnet8"), { ...setup, source, stepsPerCall: 3 }).weights,
  );
  assert.deepEqual(weights[0], weights[1]);
});
