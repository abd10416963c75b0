import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { pefd } from "../helpers/pefd.js";

const cwd = mkdtempSync(join(tmpdir(), "pefd-cli-"));
after(() => rmSync(cwd, { recursive: true }));

test("--dry_run tells the resolved value and its place: flag, environment, file, preset, default", async () => {
  writeFileSync(join(cwd, "mine.json"), '{"extends": "smoke", "momentum": 0.5, "trial": 7}');
  const words = ["distill", "--config", "mine.json", "--dry-run", "--json", "--kd-T", "2", "-b", "3"];
  const { exitCode, stdout, stderr } = await pefd(words, { cwd, env: { PEFD_TRIAL: "4" } });
  assert.deepEqual([exitCode, stderr], [0, ""]);
  const { options, origins } = JSON.parse(stdout);
  const told = (name: string) => [options[name], origins[name]];
  assert.deepEqual(told("kd_T"), [2, "flag --kd_T"]);
  assert.deepEqual(told("beta"), [3, "flag --beta"]);
  assert.deepEqual(told("trial"), [4, "environment PEFD_TRIAL"]);
  assert.deepEqual(told("momentum"), [0.5, `config ${join(cwd, "mine.json")}`]);
  assert.deepEqual(told("limit_train"), [1000, "preset smoke"]);
  assert.deepEqual(told("model_s"), ["resnet8", "preset synthetic"]);
  assert.deepEqual(told("gamma"), [1, "default when another weight is given"]);
  assert.deepEqual(told("weight_decay"), [0.0005, "default"]);
  assert.equal(options.json, undefined);
});

test("a flag is stronger than the environment, that than a file, that than what it extends", async () => {
  writeFileSync(join(cwd, "weak.json"), '{"epochs": 3, "momentum": 0.3, "trial": 3, "batch_size": 3}');
  writeFileSync(join(cwd, "strong.json"), '{"extends": "./weak.json", "epochs": 2, "momentum": 0.2, "trial": 2}');
  const words = ["train-teacher", "--config", "strong.json", "--dry_run", "--json", "--epochs", "9"];
  const { stdout, stderr } = await pefd(words, {
    cwd,
    env: { PEFD_EPOCHS: "1", PEFD_MOMENTUM: "0.1" },
  });
  const { options, origins } = JSON.parse(stdout || stderr);
  const { epochs, momentum, trial, batch_size } = options;
  assert.deepEqual([epochs, momentum, trial, batch_size], [9, 0.1, 2, 3]);
  assert.deepEqual([origins.epochs, origins.momentum], ["flag --epochs", "environment PEFD_MOMENTUM"]);
});

test("--dry_run prints one option a line for people", async () => {
  const { stdout } = await pefd(["train-teacher", "--model", "resnet20", "--dry_run"], { cwd });
  assert.match(stdout, /\nmodel +resnet20 +flag --model\nepochs +240 +default\n/);
});

test("a switch that a file sets is taken back by --no-NAME", async () => {
  writeFileSync(join(cwd, "same.json"), '{"deterministic": true}');
  const dry = async (...more: string[]) => {
    const words = ["train-teacher", "--config", "same.json", "--dry_run", "--json", ...more];
    return JSON.parse((await pefd(words, { cwd })).stdout).options.deterministic;
  };
  assert.equal(await dry(), true);
  assert.equal(await dry("--no-deterministic"), false);
});

test("pefd config list names the presets with their published figures", async () => {
  const [text, json] = await Promise.all([
    pefd(["config", "list"], { cwd }),
    pefd(["config", "list", "--json"], { cwd }),
  ]);
  assert.match(text.stdout, /\nresnet32x4-resnet8x4-ours +ours -r 1 -a 0 -b 25 +teacher 79\.42 {2}student 72\.50/);
  assert.match(text.stdout, /\nresnet32x4-resnet8x4-dkd .*teacher 79\.42 {2}student 72\.50 {2}dkd 76\.32\n/);
  const preset = JSON.parse(json.stdout).find(({ name }: { name: string }) => name === "resnet32x4-resnet8x4-kd");
  assert.deepEqual([preset.model_t, preset.gamma, preset.published.dkd], ["resnet32x4", 0.1, 76.32]);
});
