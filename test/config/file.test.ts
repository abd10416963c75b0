import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { PefdError } from "#pefd/common/errors.js";
import { createRandom } from "#pefd/common/random.js";
import { resolveDistill } from "#pefd/config/derive.js";
import { readConfiguration, SWEEP_PRESETS } from "#pefd/config/file.js";
import { ALL_SECTIONS } from "#pefd/config/options.js";
import { PRESETS, presetNames, sweepNames } from "#pefd/config/pairPresets.js";
import { rowsOf } from "#pefd/config/resolve.js";
import { procedureOf } from "#pefd/distill/open.js";
import { methodRow, procedures } from "#pefd/distill/registry.js";
import { SWEEP_ROWS } from "#pefd/sweep/file.js";
import { mutateJson } from "../helpers/mutateJson.js";

const rows = rowsOf(ALL_SECTIONS);
const folder = mkdtempSync(join(tmpdir(), "pefd-config-"));
after(() => rmSync(folder, { recursive: true }));

const write = (name: string, content: unknown): string => {
  const file = join(folder, name);
  writeFileSync(file, typeof content === "string" ? content : JSON.stringify(content));
  return file;
};

const refuse = (content: unknown, sentence: RegExp) => {
  const file = write("bad.json", content);
  assert.throws(() => readConfiguration(file, rows), sentence);
};

test("a file of a MiB is read, a larger one is refused by its size", () => {
  const padded = (bytes: number) => '{"description": "x"}'.padEnd(bytes);
  const file = write("large.json", padded(2 ** 20));
  assert.equal(readConfiguration(file, rows).description, "x");
  refuse(padded(2 ** 20 + 1), /has 1048577 bytes; the limit is 1048576/);
});

test("every preset resolves, and its name says what it is", () => {
  for (const name of presetNames()) {
    const { options } = resolveDistill(readConfiguration(name, rows).layers);
    const { model_t, model_s, distill = "" } = options;
    if (name === "smoke" || name === "synthetic") continue;
    const isTeacherFree = methodRow(distill).teacherFree === true;
    assert.equal(model_t === undefined, isTeacherFree, name);
    assert.equal(name, `${model_t ?? name.split("-")[0]}-${model_s}-${procedureOf(methodRow(distill), options).name}`);
  }
});

test("there is a preset for each pair and method, by its name as by the path that it would have", () => {
  for (const procedure of procedures()) {
    const name = `wrn_40_2-wrn_16_2-${procedure.name}`;
    assert.ok(presetNames().includes(name));
    const byPath = readConfiguration(join(PRESETS, `${name}.json`), rows);
    const values = ({ layers }: typeof byPath) => layers.map((layer) => layer.values);
    assert.deepEqual(values(byPath), values(readConfiguration(name, rows)));
  }
});

test("presets carry the method's published weights", () => {
  const { layers } = readConfiguration("resnet32x4-resnet8x4-ours", rows);
  const { gamma, alpha, beta } = resolveDistill(layers).options;
  assert.deepEqual([gamma, alpha, beta], [1, 0, 25]);
});

test("a file extends a preset by name, or a file beside it by path", () => {
  const named = write("named.json", { extends: "smoke", epochs: 3 });
  const beside = write("beside.json", { extends: "./named.json", momentum: 0.5 });
  const { options, origins } = resolveDistill(readConfiguration(beside, rows).layers);
  assert.deepEqual([options.momentum, options.epochs, options.model_s], [0.5, 3, "resnet8"]);
  assert.deepEqual([origins.epochs, origins.model_s], [`config ${named}`, "preset synthetic"]);
});

test("the name that an option has in the paper's code is taken in a file as well", () => {
  const file = write("paper.json", { extends: "smoke", gpuNum: 1 });
  const { options, origins } = resolveDistill(readConfiguration(file, rows).layers);
  assert.deepEqual([options.gpu, origins.gpu], [1, `config ${file}`]);
});

test("unknown keys are refused with the nearest name", () => {
  refuse({ epoch: 3 }, /sets epoch, which is not an option\. Did you mean epochs\?/);
  refuse({ extend: "smoke" }, /Did you mean extends\?/);
  refuse({ __proto__x: 1 }, /not an option/);
  refuse({ constructor: 1 }, /sets constructor, which is not an option/);
  refuse({ force: true }, /force in .* works only on the command line/);
});

test("broken files are refused", () => {
  refuse("{", /cannot be read/);
  refuse("[1]", /is not a JSON object/);
  refuse("[".repeat(200_000), /it is nested deeper than 32 levels/);
  refuse(`[${"1,".repeat(200_000)}1]`, /it holds more than 100000 values/);
  refuse({ extends: 3 }, /is not a name/);
  refuse({ extends: "./bad.json" }, /extends itself/);
  refuse({ extends: "nothing-like-it" }, /Unknown preset/);
  assert.throws(() => readConfiguration(join(folder, "none.json"), rows), /No such file: .*none\.json/);
  const yaml = write("options.yaml", "epochs: 3\n");
  assert.throws(() => readConfiguration(yaml, rows), /looks like YAML; pefd reads JSON/);
  assert.throws(() => readConfiguration("/dev/zero", rows), /\/dev\/zero is a device/);
  assert.throws(() => readConfiguration("smok", rows), /Unknown preset: smok\. Did you mean smoke\?/);
});

/** A student's config.json, as far as it matters here. */
const RECORD = {
  kind: "distill",
  model: "resnet8",
  teacher: "resnet14",
  seed: 20,
  device: "CPU",
  model_s: "resnet8",
  model_t: "resnet14",
  path_t: "t.pth",
  distill: "kd",
  gamma: 0.1,
  alpha: 0,
  beta: 0.9,
  trial: 2,
  epochs: 3,
  versions: { tensorflow: "2" },
  identity: {},
};

test("a run's record is taken as the options that it was told", () => {
  const { record, layers } = readConfiguration(write("record.json", RECORD), rows);
  assert.equal(record, "distill");
  const { options } = resolveDistill(layers);
  const { model_s, model_t, path_t, distill, beta, trial, epochs } = options;
  assert.deepEqual(
    { model_s, model_t, path_t, distill, beta, trial, epochs },
    {
      model_s: "resnet8",
      model_t: "resnet14",
      path_t: "t.pth",
      distill: "kd",
      beta: 0.9,
      trial: 2,
      epochs: 3,
    },
  );
  refuse({ ...RECORD, of_another_version: 1 }, /sets of_another_version, which is not an option/);
  assert.equal(readConfiguration("smoke", rows).record, undefined);
});

test("a sweep's presets are read by their names, and by sweeps alone", () => {
  for (const name of sweepNames()) {
    const { layers, description } = readConfiguration(name, SWEEP_ROWS, SWEEP_PRESETS);
    assert.ok(layers.some(({ values }) => values.trials !== undefined));
    assert.equal(typeof description, "string");
    assert.throws(() => readConfiguration(name, rows), /Unknown preset/);
  }
});

test("2,000 records of odd values are taken, or refused in a sentence", () => {
  const random = createRandom(1, "records");
  for (let i = 0; i < 2000; i++) {
    const file = write("odd.json", mutateJson(RECORD, random));
    try {
      resolveDistill(readConfiguration(file, rows).layers);
    } catch (error) {
      assert.ok(error instanceof PefdError && error.exitCode === 2, String(error));
    }
  }
});

test("2,000 files of odd values are taken, or refused in a sentence", () => {
  const random = createRandom(1, "configurations");
  const sound = { extends: "smoke", epochs: 3, lr_decay_epochs: [1, 2], momentum: 0.5, data: "x" };
  for (let i = 0; i < 2000; i++) {
    const file = write("odd.json", mutateJson(sound, random));
    try {
      resolveDistill(readConfiguration(file, rows).layers);
    } catch (error) {
      assert.ok(error instanceof PefdError && error.exitCode === 2, String(error));
    }
  }
});
