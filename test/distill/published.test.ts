import assert from "node:assert/strict";
import { test } from "node:test";
import { publishedSetting } from "#pefd/distill/published.js";
import { methodRow } from "#pefd/distill/registry.js";

/** The weights of RepDistiller's README, "-a 0 -b ...", at commit b84f547. */
const REP_DISTILLER: Readonly<Record<string, number>> = {
  hint: 100,
  attention: 1000,
  similarity: 3000,
  correlation: 0.02,
  vid: 1,
  rkd: 1,
  pkt: 30000,
  nst: 50,
};

for (const [name, beta] of Object.entries(REP_DISTILLER)) {
  test(`${name} has the weights of RepDistiller's README`, () => {
    assert.deepEqual(methodRow(name).weights, { gamma: 1, alpha: 0, beta });
  });
}

/** DKD.BETA of mdistiller's configs/cifar100/dkd, at commit a08d46f. */
const DKD_BETA: Readonly<Record<string, number>> = {
  "resnet32x4-resnet8x4": 8,
  "vgg13-vgg8": 6,
  "wrn_40_2-wrn_16_2": 6,
  "wrn_40_2-wrn_40_1": 6,
  "vgg13-MobileNetV2": 6,
  "ResNet50-MobileNetV2": 8,
  "resnet56-resnet20": 2,
  "resnet110-resnet32": 2,
};

test("dkd weighs the other classes for each pair as mdistiller's configurations do", () => {
  const dkd = methodRow("dkd");
  for (const [pair, beta] of Object.entries(DKD_BETA)) {
    const { dkd_beta = dkd.options.dkd_beta?.fallback } = publishedSetting(dkd, pair).options;
    assert.equal(dkd_beta, beta, pair);
  }
});

test("a pair of which nothing is published has the method's own weights, and is told apart", () => {
  const dkd = methodRow("dkd");
  assert.deepEqual(publishedSetting(dkd, "resnet8-resnet8"), {
    weights: dkd.weights,
    options: {},
    isOwn: false,
  });
  assert.equal(publishedSetting(dkd, "vgg13-vgg8").isOwn, true);
});
