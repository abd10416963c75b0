import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { EngineName } from "#pefd/compile/types.js";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { assembleTrainBatch } from "#pefd/data/hostBatch.js";
import { epochPlan } from "#pefd/data/sampler.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { frozen } from "#pefd/learn/learners.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { compileTeacher } from "#pefd/train/teacherCache/open.js";
import { noiseImages } from "../../compile/scenes.js";

const { augmentation: SHIFT } = CIFAR100_FORMAT;

const BATCH = 8;
const IMAGE_VALUES = 3072;

before(() => {
  loadTensorFlow();
});

/** Largest difference, over the largest value. */
function distance(found: Float32Array, expected: Float32Array): number {
  const largest = (values: Float32Array) => values.reduce((max, v) => Math.max(max, Math.abs(v)), 0);
  return largest(found.map((value, i) => value - (expected[i] as number))) / largest(expected);
}

/** The batch with its first image moved to the end. */
const rolled = (values: Float32Array, size: number): Float32Array =>
  Float32Array.from([...values.subarray(size), ...values.subarray(0, size)]);

const ENGINES: readonly (readonly [EngineName, number])[] = [
  ["eager", 0],
  ["graph", 0],
  ["xla", 1e-6],
];

for (const [engine, bound] of ENGINES) {
  test(`${engine}: the teacher alone gives what its model gives, wherever an image stands`, () => {
    const teacher = frozen(buildModel("resnet8", 100, initialFill("resnet8", 3, "teacher")));
    const { images } = assembleTrainBatch(noiseImages(BATCH, 1), epochPlan(1, 1, BATCH, SHIFT));
    const expected = tf.tidy(() => {
      const input = tf.tensor(images, [BATCH, 32, 32, 3]) as Tensor4D;
      const output = teacher.model.forward(input, { training: false, updates: [] });
      return {
        pooled: output.pooled.dataSync() as Float32Array,
        logits: output.logits.dataSync() as Float32Array,
      };
    });
    const program = compileTeacher(teacher, { engine, precision: "float32", batchSize: BATCH }, CIFAR100_FORMAT);
    const inPlace = program.run(images);
    const moved = program.run(rolled(images, IMAGE_VALUES));
    for (const name of ["pooled", "logits"] as const) {
      const own = expected[name];
      assert.ok(distance(inPlace.get(name) as Float32Array, own) <= bound, name);
      const elsewhere = rolled(own, own.length / BATCH);
      assert.ok(distance(moved.get(name) as Float32Array, elsewhere) < 1e-6, `${name}, moved`);
    }
    program.dispose();
    tf.dispose([...new Set([...variablesOf(teacher.model.state), ...teacher.variables])]);
  });
}
