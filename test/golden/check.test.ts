import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { casesOf, tellRest } from "../helpers/matrices.js";
import { GOLDEN } from "../helpers/paths.js";
import { checkGoldenFile, formatGoldenResult } from "./compare/check.js";

const folder = mkdtempSync(join(tmpdir(), "pefd-golden-"));
before(() => {
  loadTensorFlow();
});
after(() => rmSync(folder, { recursive: true }));

/** Of other tests: sameBytes and learn/lossScale. */
const OTHERS = new Set(["bytes.json", "lossScale.json"]);

/** Every golden file of the repository but the methods' (methods.test.ts), by its place in test/golden. */
const FILES = readdirSync(GOLDEN, { recursive: true, encoding: "utf8" }).filter(
  (file) => file.endsWith(".json") && !OTHERS.has(file) && !file.startsWith("methods"),
);

for (const file of FILES) {
  test(`${file} agrees with PyTorch, and leaves no tensor behind`, () => {
    const before = tf.memory().numTensors;
    const result = checkGoldenFile(join(GOLDEN, file));
    assert.ok(result.ok, formatGoldenResult(result));
    assert.equal(tf.memory().numTensors, before);
  });
}

/** One file of each kind; all other tests here run eagerly. */
const RECORDED = ["losses.json", "trajectory_ours.json", "models/wrn_16_1.json"];

for (const file of RECORDED) {
  test(`${file} agrees with PyTorch when run as a recorded graph`, () => {
    const before = tf.memory().numTensors;
    const result = checkGoldenFile(join(GOLDEN, file), "graph");
    assert.ok(result.ok, formatGoldenResult(result));
    assert.equal(tf.memory().numTensors, before);
  });
}

type Change = [path: (string | number)[], change: (x: never) => unknown];

/** A copy of a golden file with some values replaced. */
function changed(file: string, ...changes: readonly Change[]) {
  const document = JSON.parse(readFileSync(join(GOLDEN, file), "utf8"));
  for (const [path, change] of changes) {
    const last = path.at(-1) as string;
    const parent = path.slice(0, -1).reduce((node, key) => node[key], document);
    parent[last] = change(parent[last] as never);
  }
  const copy = join(folder, "changed.json");
  writeFileSync(copy, JSON.stringify(document));
  return copy;
}

const CHANGES: [file: string, path: (string | number)[], change: (x: number) => unknown, says: RegExp][] = [
  ["schedule.json", ["cifar100", "lr", 180], (x) => x * (1 + 1e-15), /cifar100\[180\]/],
  ["losses.json", ["losses", "distillKL_T4", "value"], (x) => x * 1.001, /distillKL_T4 value/],
  [
    "losses.json",
    ["losses", "ours_128to256_p3", "grads", "projector2.weight", "l2"],
    (x) => x * 1.001,
    /projector2\.weight l2/,
  ],
  ["methods/logits/dkd.json", ["losses", "same", "value"], (x) => x * 1.001, /same value/],
  ["methods/vectors/rkd.json", ["losses", "wider", "grads", "feat4", "l2"], (x) => x * 1.001, /gradient of feat4 l2/],
  ["models/resnet8x4.json", ["paramCount"], (x) => x + 1, /paramCount is 1233540 instead/],
  ["models/resnet8x4.json", ["stateDict", 5, 0], () => "bn1.other", /stateDict\[5\]/],
  ["models/resnet8x4.json", ["eval", "logits", 2, 7], (x) => x + 1e-3, /eval\.logits\[207\]/],
  ["models/resnet8x4.json", ["eval", "features", 3, "std"], (x) => x + 0.01, /features\[3\] std/],
  [
    "models/resnet8x4.json",
    ["eval", "featuresPreact", 2, "probe8", 4],
    (x) => x + 0.01,
    /featuresPreact\[2\] probe8\[4\]/,
  ],
  ["models/resnet8x4.json", ["train", "ceLoss"], (x) => x * 1.001, /train\.ceLoss/],
  [
    "models/resnet8x4.json",
    ["train", "runningMeanAfter", "last", "runningVar", 1],
    (x) => x + 0.001,
    /layer3\.0\.downsample\.1\.running_var\[1\]/,
  ],
  ["models/resnet8x4.json", ["train", "gradL2", "layer2.0.bn1.bias"], (x) => x * 1.02, /gradL2 layer2\.0\.bn1\.bias/],
];

for (const [file, path, change, says] of CHANGES) {
  test(`${file} with another ${path.join(".")} does not pass`, () => {
    const result = checkGoldenFile(changed(file, [path, change as Change[1]]));
    assert.equal(result.ok, false);
    assert.match(formatGoldenResult(result), says);
    assert.match(formatGoldenResult(result), /FAILED/);
  });
}

/** A trajectory out of bounds is run 24 times again: all that is changed in one is changed at once. */
const TRAJECTORIES: [file: string, changes: Change[], says: RegExp[]][] = [
  [
    "methods/logits/dkd.json",
    [
      [["trajectory", "perStep", 1, "loss_kd"], (x: number) => x * 1.0001],
      [["trajectory", "after", "fc.bias", "deltaL2"], (x: number) => x * 1.01],
    ],
    [/perStep\[1\]\.loss_kd/, /after fc\.bias deltaL2/],
  ],
  [
    "trajectory_ours.json",
    [
      [["perStep", 2, "total"], (x: number) => x * 1.001],
      [["after", "projector0.bias", "deltaL2"], (x: number) => x * 1.01],
    ],
    [/perStep\[2\]\.total/, /after projector0\.bias deltaL2/],
  ],
];

const { cases, rest } = casesOf(TRAJECTORIES, 1);
for (const [file, changes, says] of cases) {
  test(`${file} with another loss and another weight does not pass, and both are named`, () => {
    const result = checkGoldenFile(changed(file, ...changes));
    assert.equal(result.failures.length, says.length);
    for (const each of says) assert.match(formatGoldenResult(result), each);
    assert.match(formatGoldenResult(result), /FAILED/);
  });
}

tellRest(rest);

test("what is no golden file is refused with the file's name and exit code 2", () => {
  const text = join(folder, "text.json");
  writeFileSync(text, "no JSON");
  const other = join(folder, "other.json");
  writeFileSync(other, '{"perStep": 3}');
  const list = join(folder, "list.json");
  writeFileSync(list, "{}");
  for (const path of [text, other, list, join(folder, "missing.json"), folder]) {
    assert.throws(
      () => checkGoldenFile(path),
      (error) => error instanceof PefdError && error.exitCode === 2 && error.message.includes(path),
      path,
    );
  }
});

const OPTIONAL: [file: string, part: string[]][] = [
  ["methods/maps/similarity.json", ["trajectory"]],
  ["methods/logits/ofa.json", ["losses", "eps1_T1", "spread", "gradFirst8MaxAbs"]],
  ["methods/logits/dkd.json", ["losses"]],
  ["methods/logits/dkd.json", ["trajectory", "ownState"]],
  ["methods/logits/dkd.json", ["trajectory", "fixtureFlags"]],
  ["methods/logits/dkd.json", ["trajectory", "teacherOut", "penultimate"]],
];

for (const [file, part] of OPTIONAL) {
  test(`${file} without ${part.join(".")} is a golden file all the same`, () => {
    const without: Change = [part, () => undefined];
    const steps: Change = [["trajectory"], () => undefined];
    // Steps are compared in one of these only: they take seconds.
    const result = checkGoldenFile(changed(file, without, ...(part[0] === "losses" && part.length > 1 ? [steps] : [])));
    assert.ok(result.ok, formatGoldenResult(result));
  });
}

test("a method that the registry lacks is called unknown", () => {
  const path = changed("methods/logits/dkd.json", [["method"], () => "dkk"]);
  assert.throws(() => checkGoldenFile(path), /unknown distillation method dkk.*dkd/);
});

test("a model that the registry lacks is called unknown", () => {
  const path = changed("models/resnet8x4.json", [["name"], () => "resnet8x5"]);
  assert.throws(() => checkGoldenFile(path), /unknown model resnet8x5.*resnet8x4/);
});
