import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { methodRow } from "#pefd/distill/registry.js";
import { addedBy } from "#pefd/learn/methodSurvey.js";
import type { ModelOutput } from "#pefd/nn/model.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { GOLDEN } from "../helpers/paths.js";
import { fakePair, fakeStepContext, opened, termsOf } from "./fakes.js";

before(() => {
  loadTensorFlow();
});

const HINT = methodRow("hint");

/** [N, C, H, W] of a model's features as PyTorch's code lists them: the stem, each stage, the penultimate vector. */
function featuresOf(model: string): number[][] {
  const file = JSON.parse(readFileSync(join(GOLDEN, "models", `${model}.json`), "utf8"));
  return file.eval.features.map(({ shape }: { shape: number[] }) => shape);
}

/** Parameters of RepDistiller's ConvReg between two features: a convolution with bias, and batch normalisation. */
function regressorSize(from: readonly number[], to: readonly number[]): number {
  const [[, inputs, height], [, outputs, tall]] = [from, to] as [number[], number[]];
  const [wide, high] = [tall as number, height as number];
  const half = high === 2 * wide ? 3 : undefined;
  const twice = 2 * high === wide ? 4 : undefined;
  const kernel = half ?? twice ?? 1 + high - wide;
  return (inputs as number) * (outputs as number) * kernel ** 2 + 3 * (outputs as number);
}

for (const [teacher, student] of [
  ["resnet32x4", "resnet8x4"],
  ["vgg13", "vgg8"],
  ["ResNet50", "vgg8"],
  ["vgg13", "MobileNetV2"],
] as const) {
  test(`the layers of ${teacher} -> ${student} are those that the authors' code counts from 0`, () => {
    const [theirs, ours] = [featuresOf(teacher), featuresOf(student)];
    for (const hint_layer of [0, 1, 2, 3, 4]) {
      const [from, to] = [ours[hint_layer], theirs[hint_layer]];
      const added = addedBy(HINT, { hint_layer }, { teacher, student });
      if (from?.length !== 4 || to?.length !== 4) {
        assert.match(added as string, new RegExp(`^--hint_layer ${hint_layer}: `));
      } else {
        assert.equal((added as { parameters: number }).parameters, regressorSize(from, to));
      }
    }
  });
}

test("layer 0 compares the stems and looks at nothing else", () => {
  const pair = fakePair();
  const method = opened(HINT, { hint_layer: 0 }, pair);
  assert.deepEqual(method.sees, ["stem"]);
  tf.tidy(() => {
    const at = fakeStepContext(method, method.sees, pair);
    const stem = at.teacher.stem?.out as Tensor4D;
    const against = (out: Tensor4D) =>
      termsOf(method, { ...at, teacher: { stem: { out } } as unknown as ModelOutput }).hint as number;
    // |r - t|^2 + |r + t|^2 - 2 |r|^2 is 2 |t|^2, whatever the regressed map r is.
    const found = against(stem) + against(tf.neg(stem)) - 2 * against(tf.zerosLike(stem));
    const expected = 2 * (tf.mean(tf.square(stem)).dataSync()[0] as number);
    assert.ok(Math.abs(found / expected - 1) < 1e-4, `${found} instead of ${expected}`);
  });
  for (const { variable } of method.state) variable?.dispose();
});

test("another layer looks at its map alone", () => {
  const method = opened(HINT, { hint_layer: 2 });
  tf.tidy(() => assert.ok(Number.isFinite(termsOf(method, fakeStepContext(method)).hint)));
  for (const { variable } of method.state) variable?.dispose();
});

test("a model whose stem's map is not among its features is told so", () => {
  const none = { ...fakePair(), student: { ...fakePair().student, stem: undefined } };
  assert.throws(() => opened(HINT, { hint_layer: 0 }, none), {
    exitCode: 2,
    message: /--hint_layer 0: of maps, the student has none of the stem and 3 of stages/,
  });
});
