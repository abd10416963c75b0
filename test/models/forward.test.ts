import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type BuiltModel, buildModel, initialFill } from "#pefd/models/build.js";
import { modelNames } from "#pefd/models/registry.js";
import { isCounter } from "#pefd/nn/builder.js";
import { loadTensorFlow, type Tensor4D, tf, type Variable } from "#pefd/runtime/tf.js";
import { formulaFill } from "../golden/compare/formula.js";

before(() => {
  loadTensorFlow();
});

/** One small model of each family that has batch normalisations. */
const FAMILIES = ["resnet8", "wrn_16_1", "vgg8", "MobileNetV2", "ShuffleV1", "ShuffleV2", "MobileNet", "RESNET18"];

function dispose(model: BuiltModel, extra: readonly Variable[] = []): void {
  for (const { variable } of model.state) variable?.dispose();
  for (const variable of extra) variable.dispose();
}

const images = (): Tensor4D => tf.randomNormal([2, 32, 32, 3], 0, 1, "float32", 7);

test("every model's state has unique names and one variable per tensor that is no counter", () => {
  for (const name of modelNames()) {
    const model = buildModel(name, 10, ({ shape }) => new Float32Array(shape.reduce((a, b) => a * b, 1)));
    const names = model.state.map((entry) => entry.name);
    assert.equal(new Set(names).size, names.length, name);
    for (const { role, variable } of model.state) {
      assert.equal(variable === undefined, isCounter(role), name);
    }
    dispose(model);
  }
});

for (const name of FAMILIES) {
  test(`${name}: freezing changes the evaluation by rounding only, and leaks nothing`, () => {
    const before = tf.memory().numTensors;
    const model = buildModel(name, 100, formulaFill());
    const x = images();
    const evaluate = () => tf.tidy(() => model.forward(x, { training: false, updates: [] }).logits.dataSync());
    const plain = evaluate();
    const folded = model.freeze();
    assert.ok(folded.length > 0);
    const frozen = evaluate();
    const scale = Math.max(...plain.map(Math.abs));
    plain.forEach((value, i) => {
      const difference = Math.abs(value - (frozen[i] as number));
      assert.ok(difference < 1e-4 * scale, `logit ${i}: ${value} and ${frozen[i]}`);
    });
    x.dispose();
    dispose(model, folded);
    assert.equal(tf.memory().numTensors, before);
  });

  test(`${name}: training updates every running statistic once, evaluation none`, () => {
    const model = buildModel(name, 100, formulaFill());
    tf.tidy(() => {
      const x = images();
      const context = { training: true, updates: [] };
      model.forward(x, context);
      const statistics = model.state.filter(({ role }) => role.startsWith("bn.running"));
      const updated = (context.updates as [Variable, unknown][]).map(([variable]) => variable);
      assert.equal(updated.length, statistics.length);
      assert.deepEqual(new Set(updated), new Set(statistics.map(({ variable }) => variable)));
      const quiet = { training: false, updates: [] };
      model.forward(x, quiet);
      assert.equal(quiet.updates.length, 0);
    });
    dispose(model);
  });
}

test("vgg halves images of 64 pixels once more, others not", () => {
  const model = buildModel("vgg8", 100, formulaFill());
  const last = (side: number) =>
    tf.tidy(() => {
      const x = tf.zeros([1, side, side, 3]) as Tensor4D;
      return model.forward(x, { training: false, updates: [] }).maps.at(-1)?.out.shape;
    });
  assert.deepEqual(last(32), [1, 4, 4, 512]);
  assert.deepEqual(last(64), [1, 4, 4, 512]);
  dispose(model);
});

function deviation(values: Float32Array): number {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length);
}

/** A tensor of a freshly initialised model, and what its values should be. */
const INITIAL: [model: string, tensor: string, check: (values: Float32Array) => boolean][] = [
  ["resnet8", "layer3.0.conv2.weight", near(Math.sqrt(2 / (64 * 9)))],
  ["resnet8", "fc.weight", uniformWithin(1 / 8)],
  ["resnet8", "layer1.0.bn1.weight", (values) => values.every((value) => value === 1)],
  ["wrn_16_1", "block3.layer.1.conv2.weight", near(Math.sqrt(2 / (64 * 9)))],
  ["wrn_16_1", "fc.bias", isZero],
  ["vgg8", "block2.0.weight", near(Math.sqrt(2 / (256 * 9)))],
  ["vgg8", "block2.0.bias", isZero],
  ["vgg8", "classifier.weight", near(0.01)],
  ["MobileNetV2", "blocks.6.0.conv.3.weight", near(Math.sqrt(2 / (480 * 9)))],
  ["MobileNetV2", "classifier.0.bias", isZero],
  ["MobileNet", "model2.1.3.weight", uniformWithin(1 / 32)],
  ["densenet201", "features.denseblock4.denselayer1.conv2.weight", near(Math.sqrt(2 / (128 * 9)))],
];

function near(expected: number): (values: Float32Array) => boolean {
  return (values) => Math.abs(deviation(values) / expected - 1) < 0.05;
}

function uniformWithin(bound: number): (values: Float32Array) => boolean {
  return (values) => values.every((value) => Math.abs(value) <= bound) && near(bound / Math.sqrt(3))(values);
}

function isZero(values: Float32Array): boolean {
  return values.every((value) => value === 0);
}

test("first values are distributed as the paper's code draws them, and follow the seed", () => {
  for (const [name, tensor, check] of INITIAL) {
    const fill = initialFill(name, 10, "student");
    const draw = (fill_ = fill): Float32Array => {
      let found: Float32Array | undefined;
      const model = buildModel(name, 100, (description) => {
        if (description.name !== tensor) {
          return new Float32Array(description.shape.reduce((a, b) => a * b, 1));
        }
        found = fill_(description);
        return found;
      });
      dispose(model);
      return found as Float32Array;
    };
    const values = draw();
    assert.ok(check(values), `${name} ${tensor}: deviation ${deviation(values)}`);
    assert.deepEqual(draw(), values);
    if (deviation(values) > 0) {
      assert.notDeepEqual(draw(initialFill(name, 20, "student")), values, `${name} ${tensor}`);
    }
  }
});

for (const name of FAMILIES) {
  test(`${name}: the mean of the map that it averages is its penultimate vector`, () => {
    const model = buildModel(name, 100, formulaFill());
    tf.tidy(() => {
      const { averaged, pooled } = model.forward(images(), { training: false, updates: [] });
      const means = tf.mean(averaged as Tensor4D, [1, 2]);
      const [difference, scale] = [tf.sub(means, pooled), pooled].map((x) =>
        Number(tf.max(tf.abs(x)).dataSync()[0]),
      ) as [number, number];
      assert.ok(difference <= 1e-6 * scale, `off by ${difference} of ${scale}`);
    });
    dispose(model);
  });
}
