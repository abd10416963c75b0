import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import type { EngineName } from "#pefd/compile/types.js";
import type { ImagesInFiles, ImagesInMemory } from "#pefd/data/dataset.js";
import { imageName, readImage } from "#pefd/data/images/places.js";
import { openImageReader } from "#pefd/data/images/reader.js";
import { evaluationView } from "#pefd/data/images/view.js";
import { epochPlan, PLAN_COLUMNS } from "#pefd/data/sampler.js";
import { nativeBackend } from "#pefd/runtime/native.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { allAtOnce } from "#pefd/train/calls.js";
import { type BatchSource, chooseSources, streamedSource } from "#pefd/train/source.js";
import { dismiss, openTraining, study, teacherPupil } from "../compile/scenes.js";
import { filesSet } from "../data/images/filesSet.js";

before(() => {
  loadTensorFlow();
});

const SEED = 10;
const BATCH = 4;

function sourceOf(t: TestContext, set: ImagesInFiles, workers: number): BatchSource {
  const settings = { seed: SEED, workers, batchSize: BATCH };
  const [source] = chooseSources([set], "graph", settings) as [BatchSource];
  t.after(() => source.close?.());
  return source;
}

function trained(t: TestContext, engine: EngineName, set: ImagesInFiles, workers: number) {
  const files = sourceOf(t, set, workers);
  return study(teacherPupil("resnet8"), {
    engine,
    train: set,
    files,
    batchSize: BATCH,
    epochs: 2,
    stepsPerCall: 1,
  }).weights;
}

test("a training on images in files has the same weights with any number of threads, on eager and graph", (t) => {
  const set = filesSet(t, 14);
  const weights = trained(t, "graph", set, 0);
  assert.deepEqual(trained(t, "graph", set, 3), weights);
  assert.deepEqual(trained(t, "eager", set, 1), weights);
});

test("a batch of a run that goes on in mid-epoch is that of one that was not interrupted", (t) => {
  const set = filesSet(t, 14);
  const plan = epochPlan(SEED, 2, set.count, set.augmentation);
  const [first, last] = [0, 2].map((batch) =>
    plan.slice(batch * BATCH * PLAN_COLUMNS, (batch + 1) * BATCH * PLAN_COLUMNS),
  ) as [Int32Array, Int32Array];
  const whole = sourceOf(t, set, 2);
  whole.values(first, plan.slice(first.length));
  whole.values(plan.slice(first.length, 2 * first.length));
  const resumed = sourceOf(t, set, 1);
  assert.deepEqual(whole.values(last), resumed.values(last));
});

/** The same images as evaluation sees them, in memory. */
function inMemoryOf(set: ImagesInFiles): ImagesInMemory {
  const reader = openImageReader(nativeBackend().binding);
  const images = Array.from({ length: set.count }, (_, i) =>
    reader.show(imageName(set.places, i), readImage(set.places, i), (size) => evaluationView(size, set.evaluation)),
  );
  const { places: _, evaluation: __, ...rest } = set;
  return {
    ...rest,
    kind: "memory",
    augmentation: { kind: "shift", padding: 4 },
    images: Uint8Array.from(Buffer.concat(images)),
    labels: Uint8Array.from(set.labels),
  };
}

test("an evaluation of images in files is that of the same images in memory", (t) => {
  const set = filesSet(t, 123);
  const pupil = teacherPupil("resnet8");
  t.after(() => dismiss(pupil));
  const results = [sourceOf(t, set, 2), streamedSource(inMemoryOf(set))].map((source) => {
    const session = openTraining(pupil, {
      engine: "graph",
      train: set,
      files: source,
      test: source,
      batchSize: BATCH,
    });
    try {
      return allAtOnce(session.evaluate());
    } finally {
      session.dispose();
    }
  });
  assert.deepEqual(results[0], results[1]);
});
