import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import { resolveDistill } from "#pefd/config/derive.js";
import { readConfiguration } from "#pefd/config/file.js";
import { ALL_SECTIONS } from "#pefd/config/options.js";
import { PAIRS } from "#pefd/config/pairPresets.js";
import { ALONE, PUBLISHED_TABLES } from "#pefd/config/published/figures.js";
import { figureAlone, figuresOf } from "#pefd/config/published/lookup.js";
import { rowsOf } from "#pefd/config/resolve.js";
import { modelRow } from "#pefd/models/registry.js";

const pairs = readdirSync(PAIRS).map((file) => file.replace(/\.json$/, ""));

/** Of a pair's figure: the accuracy, where it is from, of which epoch, and what it was trained with. */
function told(pair: string, method: string) {
  const { top1, source, counted, settings } = figuresOf(pair).get(method) ?? assert.fail(method);
  const { epochs, batch_size, learning_rate } = settings;
  return [top1, source, counted, epochs, batch_size, learning_rate];
}

test("figures of a pair tell their source, the epoch that counts, and what they were trained with", () => {
  const pair = "resnet32x4-resnet8x4";
  assert.deepEqual(told(pair, "kd"), [73.33, "RepDistiller", "last", 240, 64, 0.05]);
  assert.deepEqual(told(pair, "dkd"), [76.32, "mdistiller", "unknown", 240, 64, 0.05]);
  assert.deepEqual(told(pair, "simkd"), [78.08, "SimKD", "unknown", 240, 64, 0.05]);
  assert.deepEqual(told(pair, "abound"), [73.17, "RepDistiller", "last", 270, 64, 0.05]);
  assert.deepEqual(told(pair, "reviewkd"), [75.63, "ITRD", "unknown", 240, 128, 0.1]);
  assert.deepEqual(told("vgg13-MobileNetV2", "kd"), [67.37, "RepDistiller", "last", 240, 64, 0.01]);
  const figures = figuresOf(pair);
  assert.equal(figures.get("kd")?.teacherTop1, 79.42);
  assert.equal(figures.has("ours"), false);
  assert.equal(figuresOf("wrn_40_2-wrn_40_1").has("fsp"), false, "none was published");
  assert.deepEqual(figureAlone("ShuffleV1")?.settings.learning_rate, 0.01);
});

test("figures of LSKD are of the best epoch, those of lskd_mlkd of 480 epochs or 960", () => {
  const lskd = ["LSKD", "best"];
  assert.deepEqual(told("resnet32x4-resnet8x4", "lskd_kd"), [76.62, ...lskd, 240, 64, 0.05]);
  assert.deepEqual(told("resnet32x4-resnet8x4", "lskd_mlkd"), [78.28, ...lskd, 480, 64, 0.025]);
  assert.deepEqual(told("vgg13-vgg8", "lskd_mlkd"), [75.22, ...lskd, 480, 64, 0.01]);
  assert.deepEqual(told("resnet32x4-ShuffleV2", "lskd_mlkd"), [78.76, ...lskd, 960, 64, 0.01]);
});

test("presets of lskd_mlkd have the authors' epochs, rates and weights", () => {
  const preset = (pair: string) => {
    const { layers } = readConfiguration(`${pair}-lskd_mlkd`, rowsOf(ALL_SECTIONS));
    const { epochs, learning_rate, beta } = resolveDistill(layers).options;
    return [epochs, learning_rate, beta];
  };
  assert.deepEqual(preset("resnet32x4-resnet8x4"), [480, 0.025, 9]);
  assert.deepEqual(preset("vgg13-vgg8"), [480, 0.01, 6]);
  assert.deepEqual(preset("ResNet50-MobileNetV2"), [480, 0.01, 9]);
  assert.deepEqual(preset("resnet32x4-ShuffleV2"), [960, 0.01, 6]);
});

test("figures of ImageNet are those of its pairs, for its epochs", () => {
  const figures = figuresOf("RESNET34-RESNET18", "imagenet");
  const accuracies = Object.fromEntries([...figures].map(([name, { top1 }]) => [name, top1]));
  assert.deepEqual(accuracies, { kd: 71.37, dkd: 71.7, dot: 71.72 });
  assert.equal(figuresOf("RESNET50-MobileNet", "imagenet").get("kd")?.top1, 70.5);
  assert.equal(figuresOf("RESNET34-RESNET18", "cifar100").size, 0);
  assert.equal(figuresOf("resnet32x4-resnet8x4", "imagenet").size, 0);
  assert.ok([...figures.values()].every(({ settings }) => settings.epochs === 100));
  assert.equal(figures.get("dkd")?.settings.batch_size, 512);
  const { top1, settings } = figureAlone("RESNET34", "imagenet") ?? assert.fail();
  assert.deepEqual([top1, settings.epochs], [73.31, 90]);
  assert.equal(figureAlone("densenet201", "imagenet")?.settings.epochs, "unknown");
  assert.equal(figureAlone("RESNET34", "folder"), undefined);
});

test("presets of ImageNet's pairs have its data set, the paper's defaults and the published weights; flags win", () => {
  const resolved = (preset: string, flags: Readonly<Record<string, unknown>> = {}) => {
    const { layers } = readConfiguration(preset, rowsOf(ALL_SECTIONS));
    const given = { label: (name: string) => `--${name}`, origin: () => "flag", values: flags };
    return resolveDistill([given, ...layers]).options;
  };
  const assertHas = (options: object, expected: object) => assert.deepEqual({ ...options, ...expected }, options);
  const paper = {
    dataset: "imagenet",
    batch_size: 256,
    learning_rate: 0.1,
    epochs: 100,
    lr_decay_epochs: [30, 60, 90],
    lr_decay_rate: 0.1,
    weight_decay: 1e-4,
    momentum: 0.9,
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
  for (const name of ["resnet8-resnet110", "", "constructor", "__proto__", "../resnet32x4-resnet8x4"]) {
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
