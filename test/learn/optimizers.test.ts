import assert from "node:assert/strict";
import { before, test } from "node:test";
import { sgdUpdates, splitSgdUpdates } from "#pefd/learn/optimizers.js";
import { layerFactors } from "#pefd/learn/recipe.js";
import { loadTensorFlow, type Tensor, tf, type Update, type Variable } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const SGD = { momentum: 0.9, weightDecay: 0.1 };
const RATE = 0.5;
const GRADIENTS = [2, -1];

/** Values of a parameter of one element after two steps. @param step new values, given the step's place */
function steps(variables: readonly Variable[], step: (at: number) => Update[]): number[] {
  for (const at of GRADIENTS.keys()) {
    for (const [variable, value] of step(at)) variable.assign(value);
  }
  return variables.map((variable) => variable.dataSync()[0] as number);
}

const close = (actual: readonly number[], expected: readonly number[]) =>
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - (expected[i] as number)) < 1e-5, `${actual} is not ${expected}`);
  });

const scalars = (...values: number[]): Variable[] => values.map((value) => tf.variable(tf.scalar(value)));

test("Nesterov's step is the gradient plus the momentum times the new buffer", () => {
  const [p, v] = scalars(3, 0) as [Variable, Variable];
  const found = steps([p, v], (at) =>
    sgdUpdates([p], [v], [tf.scalar(GRADIENTS[at] as number)], tf.scalar(RATE), {
      ...SGD,
      nesterov: true,
    }),
  );
  const expected = [3, 0] as [number, number];
  for (const gradient of GRADIENTS) {
    const g = gradient + 0.1 * expected[0];
    expected[1] = 0.9 * expected[1] + g;
    expected[0] -= RATE * (g + 0.9 * expected[1]);
  }
  close(found, expected);
});

/** As DOT has them. */
const PARTS = [{ terms: ["ce"], difference: -0.05, decays: true }, { difference: 0.05 }];

test("three momentum buffers: weight decay acts on what the parts before have moved", () => {
  const [p, u, v, w] = scalars(3, 0, 0, 0) as [Variable, Variable, Variable, Variable];
  const parts = [{ difference: -0.05 }, { difference: 0.05 }, { difference: 0, decays: true }];
  const found = steps([p, u, v, w], (at) => {
    const gradients = [1, 3, 5].map((factor) => [tf.scalar(factor * (GRADIENTS[at] as number))]);
    return splitSgdUpdates([p], [u, v, w], gradients, tf.scalar(RATE), SGD, parts);
  });
  const expected = [3, 0, 0, 0] as [number, number, number, number];
  for (const gradient of GRADIENTS) {
    expected[1] = 0.85 * expected[1] + gradient;
    expected[2] = 0.95 * expected[2] + 3 * gradient;
    expected[0] -= RATE * (expected[1] + expected[2]);
    expected[3] = 0.9 * expected[3] + 5 * gradient + 0.1 * expected[0];
    expected[0] -= RATE * expected[3];
  }
  close(found, expected);
});

test("two momentum buffers: each gradient has its own momentum, and the task's alone decays", () => {
  const [p, v, w] = scalars(3, 0, 0) as [Variable, Variable, Variable];
  const found = steps([p, v, w], (at) => {
    const gradient = GRADIENTS[at] as number;
    const both = [[tf.scalar(gradient)], [tf.scalar(3 * gradient)]] as [Tensor[], Tensor[]];
    return splitSgdUpdates([p], [v, w], both, tf.scalar(RATE), SGD, PARTS);
  });
  const expected = [3, 0, 0] as [number, number, number];
  for (const gradient of GRADIENTS) {
    expected[1] = 0.85 * expected[1] + gradient + 0.1 * expected[0];
    expected[2] = 0.95 * expected[2] + 3 * gradient;
    expected[0] -= RATE * (expected[1] + expected[2]);
  }
  close(found, expected);
});

test("two momentum buffers: one gradient alone is enough, and without any a parameter stays", () => {
  const [p, q, ...momentumBuffers] = scalars(3, 3, 0, 0, 0, 0) as [Variable, Variable, ...Variable[]];
  const updates = splitSgdUpdates(
    [p, q],
    momentumBuffers,
    [
      [undefined, undefined],
      [tf.scalar(2), undefined],
    ],
    tf.scalar(RATE),
    { ...SGD, weightDecay: 0 },
    PARTS,
  );
  assert.deepEqual(
    updates.map(([variable]) => variable),
    [momentumBuffers[0], momentumBuffers[2], p],
  );
  close([updates.at(-1)?.[1].dataSync()[0] as number], [3 - RATE * 2]);
});

test("layer decay counts the stem, each numbered block, a last norm with it, and the classifier", () => {
  const resnet = [
    "conv1.weight",
    "bn1.weight",
    "layer1.0.conv1.weight",
    "layer1.0.bn1.weight",
    "layer2.0.conv1.weight",
  ];
  assert.deepEqual(layerFactors([...resnet, "fc.weight"], 0.5), [0.125, 0.125, 0.25, 0.25, 0.5, 1]);
  const vit = [
    "cls_token",
    "patch_embed.proj.weight",
    "blocks.0.norm1.weight",
    "blocks.1.attn.qkv.weight",
    "norm.weight",
  ];
  assert.deepEqual(layerFactors([...vit, "head.weight"], 0.5), [0.125, 0.125, 0.25, 0.5, 0.5, 1]);
});
