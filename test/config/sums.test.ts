import assert from "node:assert/strict";
import { test } from "node:test";
import { resolveDistill } from "#pefd/config/derive.js";
import { readConfiguration } from "#pefd/config/file.js";
import { ALL_SECTIONS } from "#pefd/config/options.js";
import { type Layer, rowsOf } from "#pefd/config/resolve.js";
import { combinations } from "#pefd/sweep/plan.js";

const layer = (values: Record<string, unknown>): Layer => ({
  label: (name) => `--${name}`,
  origin: () => "flags",
  values,
});

const options = (values: Record<string, unknown>) => resolveDistill([layer(values)]).options;
const weights = (values: Record<string, unknown>) => {
  const { gamma, alpha, beta } = options(values);
  return [gamma, alpha, beta];
};

test("a sum of methods has one weight for each, typed with + or a comma, or the published ones", () => {
  const sum = { distill: "ours+kd" };
  assert.deepEqual(weights({ ...sum, beta: "0.8,1" }), [1, 0, [0.8, 1]]);
  assert.deepEqual(weights({ ...sum, beta: "1e+1+0.5" }), [1, 0, [10, 0.5]]);
  assert.deepEqual(weights({ ...sum, beta: [0.8, 1] }), [1, 0, [0.8, 1]]);
  assert.deepEqual(weights(sum), [1, 0, [25, 0.9]]);
  assert.deepEqual(weights({ distill: "kd+ours" }), [0.1, 0, [0.9, 25]]);
  assert.deepEqual(weights({ ...sum, gamma: "0.5" }), [0.5, 0, [0, 0]]);
  assert.deepEqual(weights({ distill: "ours+dkd", model_t: "resnet56", model_s: "resnet20" }), [1, 0, [25, 1]]);
});

test("a sum's options are those of all its methods, with the pair's and a variant's published values", () => {
  const { num_proj, kd_T, dkd_beta, beta } = options({
    distill: "ours+dkd+kd",
    lskd: "true",
    model_t: "resnet56",
    model_s: "resnet20",
  });
  assert.deepEqual([num_proj, kd_T, dkd_beta, beta], [3, 2, 2, [25, 9, 9]]);
});

test("weights of another number, unknown methods and methods named twice are refused", () => {
  const refuse = (values: Record<string, unknown>, message: RegExp) =>
    assert.throws(() => options(values), { exitCode: 2, message });
  refuse({ distill: "ours+kd", beta: "1" }, /has 2 methods, and --beta 1 weight\./);
  refuse({ distill: "ours", beta: "1,2" }, /has 1 method, and --beta 2 weights\./);
  refuse({ distill: "ours+kd", beta: "1,-2" }, /--beta takes a number, at least 0/);
  refuse({ distill: "ours+k" }, /unknown method k\./);
  refuse({ distill: "kd+kd" }, /names kd twice/);
  refuse({ distill: "ours+kd", gamma: "0", beta: "0,0" }, /are all 0/);
});

test("a preset of a pair may name a sum, of variants too", () => {
  const { layers } = readConfiguration("resnet110-resnet20-ours+lskd_kd", rowsOf(ALL_SECTIONS));
  const { options: found } = resolveDistill(layers);
  const { model_t, model_s, distill, lskd, beta, kd_T } = found;
  assert.deepEqual(
    [model_t, model_s, distill, lskd, beta, kd_T],
    ["resnet110", "resnet20", "ours+kd", true, [25, 12], 4],
  );
  assert.throws(() => readConfiguration("resnet110-resnet20-ours+k", rowsOf(ALL_SECTIONS)), {
    exitCode: 2,
    message: /Unknown preset/,
  });
});

test("a preset's weights and values follow a switch that makes its method another published one", () => {
  const found = (preset: string, values: Record<string, unknown>) => {
    const { layers } = readConfiguration(preset, rowsOf(ALL_SECTIONS));
    const { options: told, origins } = resolveDistill([layer(values), ...layers]);
    return [told.gamma, told.beta, told.kd_T, origins.beta];
  };
  const [kd, lskd] = ["preset vgg13-vgg8-kd", "preset vgg13-vgg8-lskd_kd"];
  assert.deepEqual(found("vgg13-vgg8-kd", {}), [0.1, 0.9, 4, kd]);
  assert.deepEqual(found("vgg13-vgg8-kd", { lskd: "true" }), [0.1, 9, 3, lskd]);
  assert.deepEqual(found("vgg13-vgg8-kd", { lskd: "true", beta: "2" }), [0.1, 2, 3, "flags"]);
  assert.deepEqual(found("vgg13-vgg8-lskd_kd", { lskd: "false" }), [0.1, 0.9, 4, kd]);
  const sum = found("vgg13-vgg8-ours+kd", { lskd: "true" });
  assert.deepEqual(sum, [1, [25, 9], 3, "preset vgg13-vgg8-ours+lskd_kd"]);
});

test("a sweep over sums takes their weights with + between them", () => {
  const told = { distill: "ours+kd", beta: "25+0.9,25+1", path_t: "a/resnet8_vanilla/b.pth" };
  const runs = combinations([layer(told)]).map(({ layers }) => resolveDistill(layers).options.beta);
  assert.deepEqual(runs, [
    [25, 0.9],
    [25, 1],
  ]);
});
