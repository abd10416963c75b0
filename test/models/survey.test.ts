import assert from "node:assert/strict";
import { before, test } from "node:test";
import { buildModel } from "#pefd/models/build.js";
import { mapShapes, surveyModel } from "#pefd/models/survey.js";
import { featureList } from "#pefd/nn/model.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";

before(() => {
  assert.equal(tf, undefined, "surveys are made without the native library");
});

const PARAMETERS: Readonly<Record<string, number>> = {
  resnet8: 83892,
  resnet14: 181108,
  resnet20: 278324,
  resnet32: 472756,
  resnet44: 667188,
  resnet56: 861620,
  resnet110: 1736564,
  resnet8x4: 1233540,
  resnet32x4: 7433860,
  resnet38x2: 2255604,
  wrn_16_1: 180916,
  wrn_16_2: 703284,
  wrn_40_1: 569780,
  wrn_40_2: 2255156,
  vgg8: 3965028,
  vgg11: 9277284,
  vgg13: 9462180,
  vgg16: 14774436,
  vgg19: 20086692,
  MobileNetV2: 812836,
  ShuffleV1: 949258,
  ShuffleV2: 1355528,
  ShuffleV2_1_5: 2580548,
  ResNet18: 11220132,
  ResNet50: 23705252,
  MobileNet: 4231976,
  RESNET18: 11689512,
  RESNET34: 21797672,
  RESNET50: 25557032,
  densenet201: 20013928,
};

test("every model has the number of parameters that PyTorch's has", () => {
  const counted = Object.keys(PARAMETERS).map((name) => [name, surveyModel(name).parameters]);
  assert.deepEqual(Object.fromEntries(counted), PARAMETERS);
});

test("multiply-adds are counted per image, layer by layer", () => {
  // resnet8: stem 3->16 at 32x32; per stage two 3x3 convolutions and, from the second on, a 1x1; the classifier.
  const stem = 1024 * 9 * 3 * 16;
  const first = 2 * 1024 * 9 * 16 * 16;
  const second = 256 * (9 * 16 * 32 + 9 * 32 * 32 + 16 * 32);
  const third = 64 * (9 * 32 * 64 + 9 * 64 * 64 + 32 * 64);
  assert.equal(surveyModel("resnet8").multiplyAdds, stem + first + second + third + 64 * 100);
});

test("multiply-adds agree with published figures", () => {
  const published: [name: string, billions: number][] = [
    ["RESNET18", 1.814],
    ["RESNET50", 4.089],
    ["MobileNet", 0.569],
    ["densenet201", 4.291],
  ];
  for (const [name, billions] of published) {
    const { multiplyAdds } = surveyModel(name);
    assert.ok(Math.abs(multiplyAdds / 1e9 - billions) < 0.001, `${name}: ${multiplyAdds}`);
  }
});

test("an unknown model is named with its nearest neighbour", () => {
  assert.throws(() => surveyModel("wrn_16_3"), /unknown model wrn_16_3.*Did you mean wrn_16_/);
});

test("surveyed feature shapes are those that the model really makes", () => {
  loadTensorFlow();
  for (const name of ["resnet20", "wrn_16_2", "vgg8", "MobileNetV2", "ShuffleV1", "ShuffleV2", "ResNet50"]) {
    const model = buildModel(name, 100, "zeros");
    const shapes = tf.tidy(() =>
      featureList(model.forward(tf.zeros([1, 32, 32, 3]), { training: false, updates: [] })).map(({ shape }) =>
        shape.slice(1),
      ),
    );
    const survey = surveyModel(name);
    assert.deepEqual(survey.features, shapes, name);
    assert.equal(survey.featureSize, model.featureSize, name);
    assert.deepEqual(mapShapes(name).maps, shapes.slice(1, -1), name);
    for (const { variable } of model.state) variable?.dispose();
  }
});
