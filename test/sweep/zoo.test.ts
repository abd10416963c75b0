import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { inputError } from "#pefd/common/errors.js";
import { defineMethod } from "#pefd/distill/method.js";
import { METHODS, methodRow, procedures } from "#pefd/distill/registry.js";
import { sweepLayers } from "#pefd/sweep/file.js";
import { fittingRuns, planSweep } from "#pefd/sweep/plan.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { randomTeacher, smallData } from "../train/runs.js";
import { layer } from "./layers.js";

const PATH = "teachers/resnet56_vanilla/ckpt_epoch_240.pth";

const zoo = (given: Record<string, unknown>) =>
  planSweep(sweepLayers([layer({ path_t: PATH, ...given })], "zoo"), async () => undefined);

test("the zoo is every method and variant, each with what was published for the pair", async () => {
  const runs = await zoo({ model_s: "resnet20", trials: "1-2" });
  assert.equal(runs.length, 2 * procedures().length);
  const optionsOf = (label: string) =>
    runs.find((run) => run.label === `resnet56 -> resnet20, ${label}, trial 2`)?.options as
      | Record<string, unknown>
      | undefined;
  assert.equal(optionsOf("dkd")?.dkd_beta, 2);
  assert.deepEqual([optionsOf("lskd_kd")?.lskd, optionsOf("lskd_kd")?.beta, optionsOf("lskd_kd")?.kd_T], [true, 9, 2]);
  assert.equal(new Set(runs.map(({ runDir }) => runDir)).size, runs.length);
});

test("flags narrow the zoo to some methods, and set the same for all", async () => {
  const runs = await zoo({ distill: "kd,dkd", model_s: "resnet20", epochs: 6 });
  assert.deepEqual(
    runs.map(({ options }) => [options.distill, options.epochs]),
    [
      ["kd", 6],
      ["dkd", 6],
    ],
  );
});

const refusing = defineMethod({
  ...methodRow("kd"),
  name: "refusing",
  options: {},
  published: [],
  variants: [],
  build: () => {
    throw inputError("It takes maps of equal width.");
  },
});

const slow = defineMethod({
  ...methodRow("kd"),
  name: "slow",
  options: {},
  published: [],
  variants: [],
  terms: ["kd", "before"],
  build: () => ({
    terms: () => ({}),
    phases: [{ epochs: 3, terms: ["before"], loss: () => ({}) }],
  }),
});

const withMethods = (t: TestContext, rows: readonly (typeof refusing)[]) => {
  const { find, row } = METHODS;
  const known = (name: string) => rows.find((one) => one.name === name);
  t.mock.method(METHODS, "row", (name: string) => known(name) ?? row(name));
  t.mock.method(METHODS, "find", (name: string) => known(name) ?? find(name));
};

test("what does not fit the pair, or whose first parts take all epochs, is left out and told once", async (t) => {
  const [run] = await zoo({ distill: "kd", model_s: "resnet20", epochs: 3 });
  assert.ok(run);
  withMethods(t, [refusing, slow]);
  const of = (distill: string, epochs: number, trial: number) => ({
    ...run,
    options: { ...run.options, distill, epochs, trial },
  });
  const found = fittingRuns([
    of("kd", 3, 1),
    of("refusing", 3, 1),
    of("refusing", 3, 2),
    of("slow", 3, 1),
    of("slow", 4, 1),
  ]);
  assert.deepEqual(
    found.runs.map(({ options }) => [options.distill, options.epochs]),
    [
      ["kd", 3],
      ["slow", 4],
    ],
  );
  assert.deepEqual(found.leftOut, [
    "refusing: It takes maps of equal width.",
    "slow: its first phases take all 3 epochs.",
  ]);
});

test("pefd sweep zoo --print has one line for each run", async (t) => {
  const cwd = temporaryFolder(t);
  const given = ["--path_t", PATH, "--model_s", "resnet20", "--trials", "1-3", "--print"];
  const { exitCode, stdout } = await pefd(["sweep", "zoo", ...given], { cwd });
  assert.equal(exitCode, 0);
  const lines = stdout.trim().split("\n");
  assert.equal(lines.filter((line) => line.includes("--distill kd --lskd ")).length, 3);
  assert.ok(lines.every((line) => /^node \S*pefd\.js distill /.test(line)));
});

test("a zoo of a few methods and a sum is trained and ranked; what cannot be trained is told", async (t) => {
  const cwd = temporaryFolder(t);
  await smallData(cwd);
  await randomTeacher(cwd);
  const pair = ["--path_t", "teacher.safetensors", "--model_t", "resnet8", "--model_s", "resnet8"];
  const small = ["--data", "data", "--epochs", "2", "--batch_size", "8", "--trials", "1-2"];
  const methods = ["lskd_kd", "hint", "ours+kd", "abound"];
  const words = ["sweep", "zoo", "--distill", methods.join(","), ...pair, ...small];
  const { exitCode, stdout, stderr } = await pefd([...words, "--learning_rate", "0.001"], { cwd });
  assert.equal(exitCode, 0, stderr);
  assert.match(stderr, /abound: its first phases take all 2 epochs\./);
  const ranks = ["lskd_kd", "hint", "ours\\+kd"].map((method) => {
    const row = new RegExp(`^resnet8 +resnet8 +${method} .* 2 +[\\d.]+ ± [\\d.]+ +(\\d)`, "m");
    return Number(row.exec(stdout)?.[1]);
  });
  assert.ok(ranks.includes(1) && ranks.every((rank) => rank >= 1 && rank <= 3), stdout);
});
