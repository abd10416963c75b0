import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { resolveDistill } from "#pefd/config/derive.js";
import type { Layer } from "#pefd/config/resolve.js";
import { sweepLayers } from "#pefd/sweep/file.js";
import { combinations } from "#pefd/sweep/plan.js";
import { ROOT } from "../helpers/paths.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { layer } from "./layers.js";

/** The named options of every run. */
function runs(layers: readonly Layer[], ...names: readonly string[]): unknown[][] {
  return combinations(layers).map((one) => {
    const options = resolveDistill(one.layers).options as Readonly<Record<string, unknown>>;
    return names.map((name) => options[name]);
  });
}

test("lists and ranges multiply, the trials of an experiment follow each other", () => {
  const given = layer({ distill: "ours,kd", trial: "1-2,5", model_s: "resnet8" });
  assert.deepEqual(runs([given], "distill", "trial"), [
    ["ours", 1],
    ["ours", 2],
    ["ours", 5],
    ["kd", 1],
    ["kd", 2],
    ["kd", 5],
  ]);
});

test("what is given twice is run once", () => {
  assert.deepEqual(runs([layer({ trial: "1,2,1-3" })], "trial"), [[1], [2], [3]]);
});

test("every method has its published weights; with one that is given, the others are the paper's code's", () => {
  const lists = { distill: "ours,kd", beta: "7" };
  assert.deepEqual(runs([layer(lists)], "distill", "gamma", "beta"), [
    ["ours", 1, 7],
    ["kd", 1, 7],
  ]);
  assert.deepEqual(runs([layer({ distill: "ours,kd" })], "distill", "gamma", "beta"), [
    ["ours", 1, 25],
    ["kd", 0.1, 0.9],
  ]);
});

test("a file's weights are for the file's method only", () => {
  const file = layer({ distill: "kd", gamma: 0.3, beta: [0.5, 0.6] }, "file");
  assert.deepEqual(runs([layer({ distill: "kd,ours" }), file], "distill", "gamma", "beta"), [
    ["kd", 0.3, 0.5],
    ["kd", 0.3, 0.6],
    ["ours", 1, 25],
  ]);
});

test("a flag hides a file's list", () => {
  const layers = [layer({ num_proj: "2" }), layer({ num_proj: [0, 1], trial: [1, 2] }, "file")];
  assert.deepEqual(runs(layers, "num_proj", "trial"), [
    [2, 1],
    [2, 2],
  ]);
});

test("a variant's name among methods is its method with the options that make it", () => {
  const found = runs([layer({ distill: "kd,lskd_kd" })], "distill", "lskd", "beta", "kd_T");
  assert.deepEqual(found, [
    ["kd", false, 0.9, 4],
    ["kd", true, 9, 2],
  ]);
});

test("decay epochs are one value, not a list of runs", () => {
  assert.deepEqual(runs([layer({ lr_decay_epochs: "3,4" })], "lr_decay_epochs"), [[[3, 4]]]);
});

test("teachers' paths and models go together one by one", () => {
  const given = layer({ path_t: "a.pth,b.pth", model_t: "resnet20,resnet56", trial: "1-2" });
  assert.deepEqual(runs([given], "path_t", "model_t", "trial"), [
    ["a.pth", "resnet20", 1],
    ["a.pth", "resnet20", 2],
    ["b.pth", "resnet56", 1],
    ["b.pth", "resnet56", 2],
  ]);
});

test("teachers that do not pair up are refused", () => {
  const given = layer({ path_t: "a.pth,b.pth,c.pth", model_t: "resnet20,resnet56" });
  assert.throws(() => combinations([given]), /--path_t has 3 values and --model_t 2/);
});

test("a range that runs backwards is refused by the flag's name", () => {
  assert.throws(() => combinations([layer({ trial: "3-1" })]), /--trial: 3-1 is not a range/);
});

test("a path with a comma that exists is one path", (t) => {
  const path = join(temporaryFolder(t), "a,b.pth");
  writeFileSync(path, "");
  assert.deepEqual(runs([layer({ path_t: path, model_t: "resnet8" })], "path_t"), [[path]]);
});

test("--trials is a list of --trial, and not both", () => {
  assert.deepEqual(runs(sweepLayers([layer({ trials: "2-3" })], undefined), "trial"), [[2], [3]]);
  const both = layer({ trials: "1-3", trial: "1" });
  assert.throws(() => sweepLayers([both], undefined), /--trial and --trials are both given/);
});

test("the ablation of configs/sweeps: no to four projectors, three trials each", () => {
  const file = join(ROOT, "configs/sweeps/ablation.json");
  const found = runs(sweepLayers([], file), "num_proj", "trial", "beta");
  assert.equal(found.length, 15);
  assert.deepEqual(found[0], [0, 1, 25]);
  assert.deepEqual(found[14], [4, 3, 25]);
});

test("a sweep of more runs than anybody waits for is counted, not listed", () => {
  const many = { trial: "1-1000", batch_size: "1-100", num_proj: "1-50", lr_decay_rate: "0.1,0.2" };
  assert.throws(() => combinations([layer(many)]), /This sweep has 10,000,000 runs; the maximum is 10,000/);
  assert.throws(() => combinations([layer({ trial: "1-100000000" })]), /has 100,000,000 runs/);
  assert.throws(() => combinations([layer({ trial: "1-10001" })]), /has 10,001 runs/);
  assert.equal(combinations([layer({ trial: "1-10000" })]).length, 10_000);
});
