import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { resolveDistill } from "#pefd/config/derive.js";
import { readConfiguration } from "#pefd/config/file.js";
import { PAIRS } from "#pefd/config/pairPresets.js";
import { ALONE, PUBLISHED_TABLES } from "#pefd/config/published/figures.js";
import { figureAlone, figuresOf } from "#pefd/config/published/lookup.js";
import { rowsOf } from "#pefd/config/resolve.js";
import { ALL_SECTIONS } from "#pefd/config/sections.js";
import { modelRow } from "#pefd/models/registry.js";

const pairs = readdirSync(PAIRS).map((file) => file.replace(/\.json$/, ""));

test("figures of a pair tell their source", () => {
  const figures = figuresOf("resnet32x4-resnet8x4");
  const epochs = 240;
  assert.deepEqual(figures.get("kd"), { top1: 73.33, source: "RepDistiller", epochs });
  assert.deepEqual(figures.get("dkd"), { top1: 76.32, source: "mdistiller", epochs });
  assert.deepEqual(figures.get("simkd"), { top1: 78.08, source: "SimKD", epochs });
  assert.equal(figures.has("ours"), false);
  assert.equal(figuresOf("wrn_40_2-wrn_40_1").has("fsp"), false, "none was published");
  assert.deepEqual(figureAlone("resnet32x4"), { top1: 79.42, source: "RepDistiller", epochs });
});

test("figures of ImageNet are those of its pairs, for its epochs", () => {
  const figures = figuresOf("RESNET34-RESNET18", "imagenet");
  const told = Object.fromEntries([...figures].map(([name, { top1 }]) => [name, top1]));
  assert.deepEqual(told, { kd: 71.37, dkd: 71.7, dot: 71.72 });
  assert.equal(figuresOf("RESNET50-MobileNet", "imagenet").get("kd")?.top1, 70.5);
  assert.equal(figuresOf("RESNET34-RESNET18", "cifar100").size, 0);
  assert.equal(figuresOf("resnet32x4-resnet8x4", "imagenet").size, 0);
  assert.ok([...figures.values()].every(({ epochs }) => epochs === 100));
  const alone = { top1: 73.31, source: "torchvision", epochs: 100 };
  assert.deepEqual(figureAlone("RESNET34", "imagenet"), alone);
  assert.equal(figureAlone("RESNET34", "folder"), undefined);
});

test("presets of ImageNet's pairs have its data set, the paper's defaults and the published weights; flags win", () => {
  const resolved = (preset: string, flags: Readonly<Record<string, unknown>> = {}) => {
    const { layers } = readConfiguration(preset, rowsOf(ALL_SECTIONS));
    const given = { label: (name: string) => `--${name}`, origin: () => "flag", values: flags };
    return resolveDistill([given, ...layers]).options;
  };
  const assertHas = (options: object, expected: object) =>
    assert.deepEqual({ ...options, ...expected }, options);
  const paper = {
    ...{ dataset: "imagenet", batch_size: 256, learning_rate: 0.1, epochs: 100 },
    ...{ lr_decay_epochs: [30, 60, 90], lr_decay_rate: 0.1, weight_decay: 1e-4, momentum: 0.9 },
  };
  const pair = { model_t: "RESNET34", model_s: "RESNET18" };
  const ours = { ...pair, ...paper, gamma: 1, alpha: 0, beta: 25 };
  assertHas(resolved("RESNET34-RESNET18-ours"), ours);
  const kd = { ...pair, ...paper, gamma: 0.5, alpha: 0, beta: 0.5, kd_T: 1 };
  assertHas(resolved("RESNET34-RESNET18-kd"), kd);
  const dkd = { model_t: "RESNET50", model_s: "MobileNet", ...paper, dkd_beta: 2, dkd_T: 1 };
  assertHas(resolved("RESNET50-MobileNet-dkd"), dkd);
  const flags = { batch_size: 64, learning_rate: 0.2, epochs: 3, dataset: "folder" };
  assertHas(resolved("RESNET34-RESNET18-kd", flags), flags);
});

test("presets of factor have the authors' rate of the first phase, 0.01 for resnet and wrn students alone", () => {
  const rate = (pair: string) => {
    const { layers } = readConfiguration(`${pair}-factor`, rowsOf(ALL_SECTIONS));
    const { factor_init_lr, epochs } = resolveDistill(layers).options;
    return [factor_init_lr, epochs];
  };
  assert.deepEqual(rate("vgg13-vgg8"), [0.05, 270]);
  assert.deepEqual(rate("ResNet50-vgg8"), [0.05, 270]);
  assert.deepEqual(rate("wrn_40_2-wrn_16_2"), [0.01, 270]);
});

test("what is no pair or model of the tables has no figures", () => {
  for (const name of [
    "resnet8-resnet110",
    "",
    "constructor",
    "__proto__",
    "../resnet32x4-resnet8x4",
  ]) {
    assert.equal(figuresOf(name).size, 0, name);
    assert.equal(figureAlone(name), undefined, name);
  }
});

test("every pair with published figures is a preset, and every preset has some", () => {
  const published = new Set(PUBLISHED_TABLES.flatMap((table) => table.pairs));
  assert.deepEqual([...published].sort(), [...pairs].sort());
});

test("tables have a figure or nothing for each of their pairs, once, and figures are percentages", () => {
  const seen = new Set<string>();
  for (const table of PUBLISHED_TABLES) {
    for (const [name, figures] of Object.entries(table.top1)) {
      assert.equal(figures.length, table.pairs.length, name);
      figures.forEach((figure, at) => {
        if (figure === undefined) return;
        const key = `${name} ${table.pairs[at]}`;
        assert.ok(figure > 55 && figure < 80, `${key}: ${figure}`);
        assert.ok(!seen.has(key), `${key} stands twice`);
        seen.add(key);
      });
    }
  }
  for (const { top1 } of ALONE) {
    for (const model of Object.keys(top1)) assert.equal(modelRow(model).name, model);
  }
});
