import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, describe, it } from "node:test";
import { compile } from "#pefd/compile/program.js";
import type { Program } from "#pefd/compile/types.js";
import { methodRow } from "#pefd/distill/registry.js";
import { type Learner, trainingUpdates, variablesOf } from "#pefd/learn/learner.js";
import { studentLearner } from "#pefd/learn/learners.js";
import { readMetrics } from "#pefd/learn/metrics.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { loadTensorFlow, type Scalar, type Tensor1D, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { randomInputSpecs, randomInputsOf, randomInputValues } from "#pefd/train/session.js";
import { ROOT } from "../helpers/paths.js";

const FOLDER = join(ROOT, "configs/pairs");
/** Those of CIFAR-100, which name no data set. */
const PAIRS = readdirSync(FOLDER)
  .map((file) => JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Record<string, string>)
  .filter(({ dataset }) => dataset === undefined)
  .map(({ model_t = "", model_s = "" }) => ({ model_t, model_s }));
const [BATCH, STEPS, CLASSES, PROJECTORS] = [2, 2, 100, 3];
const SHAPE = [BATCH, 32, 32, 3] as const;
const LABELS = Int32Array.of(3, 97);
const SGD = { momentum: 0.9, weightDecay: 5e-4 };

/** Noise: what a step needs of images here is that they differ. */
const IMAGES = Float32Array.from({ length: BATCH * 32 * 32 * 3 }, (_, i) => Math.sin(i * i));

function program(learner: Learner): Program {
  return compile("eager", {
    name: learner.model.name,
    precision: "float32",
    variables: {},
    entries: {
      train: {
        step: ({ images, labels, image, epoch, learningRate, strong, ...others }) =>
          trainingUpdates(
            learner,
            {
              images: images as Tensor4D,
              labels: labels as Tensor1D,
              image: image as Tensor1D,
              epoch: epoch as Scalar,
              drawn: randomInputsOf(others),
              ...(learner.strongView && { strong: strong as Tensor4D }),
            },
            learningRate as Tensor1D,
            SGD,
          ),
        perStep: {
          images: { shape: SHAPE, dtype: "float32" },
          strong: { shape: SHAPE, dtype: "float32" },
          labels: { shape: [BATCH], dtype: "int32" },
          image: { shape: [BATCH], dtype: "int32" },
          ...randomInputSpecs(learner, BATCH),
        },
        shared: {
          learningRate: { shape: [], dtype: "float32" },
          epoch: { shape: [], dtype: "float32" },
        },
        stepsPerCall: 1,
      },
    },
  });
}

/** Trains on one batch, twice. @returns the mean loss and the images counted */
function trainTwice(learner: Learner): { loss: number; images: number } {
  const steps = program(learner);
  const feeds = {
    images: IMAGES,
    strong: IMAGES.toReversed(),
    labels: LABELS,
    image: Int32Array.of(0, 1),
    epoch: Float32Array.of(1),
    learningRate: Float32Array.of(0.01),
  };
  const rows = Int32Array.of(...[0, 0, 0, 0], ...[1, 0, 0, 0]);
  for (let step = 1; step <= STEPS; step++) {
    const drawn = randomInputValues(learner, rows, BATCH, { epoch: 1, step });
    steps.run("train", { ...feeds, ...drawn }, 1);
  }
  return readMetrics(learner.metrics);
}

const shapesOf = (state: Learner["extra"]) => state.map(({ name, shape }) => [name, [...shape]]);

describe("every pair of the paper's CIFAR-100 tables trains", () => {
  before(() => loadTensorFlow());

  it("there are thirteen of them, across families as well", () => {
    assert.equal(PAIRS.length, 13);
  });

  for (const { model_t, model_s } of PAIRS) {
    it(`${model_t} -> ${model_s}`, () => {
      const teacher = buildModel(model_t, CLASSES, initialFill(model_t, 1, "teacher"));
      const { gamma, alpha, beta } = methodRow("ours").weights;
      const options = {
        model_s,
        distill: "ours",
        gamma,
        alpha,
        beta,
        num_proj: PROJECTORS,
      };
      const learner = studentLearner(teacher, options, CLASSES, 10);
      const { featureSize } = learner.model;
      const expected = Array.from({ length: PROJECTORS }, (_, i) => [
        [`projectors.${i}.weight`, [teacher.featureSize, featureSize]],
        [`projectors.${i}.bias`, [teacher.featureSize]],
      ]);
      assert.deepEqual(shapesOf(learner.extra), expected.flat());
      const projectors = variablesOf(learner.extra);
      const before = projectors.map((variable) => variable.dataSync().slice());
      const { loss, images } = trainTwice(learner);
      assert.ok(Number.isFinite(loss) && loss > 0, `loss ${loss}`);
      assert.equal(images, BATCH * STEPS);
      projectors.forEach((variable, i) => {
        const values = variable.dataSync();
        assert.ok(values.every(Number.isFinite), `${variable.name} is finite`);
        assert.notDeepEqual(values, before[i], `${variable.name} learns`);
      });
      tf.disposeVariables();
    });
  }
});
