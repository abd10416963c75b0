import assert from "node:assert/strict";
import { copyFileSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { casesOf, SAMPLED } from "../helpers/matrices.js";
import { GOLDEN } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";
import { processorFamily } from "../helpers/processor.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** What test/golden/bytes.json holds: as a commit wrote them, for each processor family, each run's weightsSha256 by seed. */
interface Bytes {
  readonly commit: string;
  readonly families: Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, string>>>>>>;
}

const { commit, families } = JSON.parse(readFileSync(join(GOLDEN, "bytes.json"), "utf8")) as Bytes;
const family = processorFamily();
const expected = family === undefined ? undefined : families[family];

/** Two epochs of two whole batches and a short one. */
const SMALL = ["--data", "data", "--epochs", "2", "--batch_size", "16", "--json", "--quiet"];
const STUDENT = ["distill", "--path_t", "teacher.safetensors", "--model_s", "resnet8"];

/** The commands, as that commit took them. */
const RUNS: Readonly<Record<string, readonly string[]>> = {
  teacher: ["train-teacher", "--model", "resnet8"],
  ours: [...STUDENT, "--distill", "ours", "-r", "1", "-a", "0", "-b", "25"],
  kd: [...STUDENT, "--distill", "kd", "-r", "0.1", "-a", "0", "-b", "0.9"],
  kd1proj: [...STUDENT, "--distill", "kd1proj", "-r", "0.1", "-a", "0", "-b", "0.9"],
};

/** Sums are split among threads, so their number is the same on every machine; kernels are our own where there are. */
const ENVIRONMENT = {
  TF_NUM_INTRAOP_THREADS: "2",
  TF_NUM_INTEROP_THREADS: "1",
  PEFD_CONVOLUTIONS: "avx512",
  CUDA_VISIBLE_DEVICES: "",
};

/** A folder with images and the teacher of the first seed. */
async function prepare(t: TestContext): Promise<string> {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 40, test: 20, seed: 1 });
  const { runDir } = await train(cwd, "teacher", "graph", "1", "first");
  copyFileSync(join(cwd, runDir, "resnet8_last.safetensors"), join(cwd, "teacher.safetensors"));
  return cwd;
}

async function train(cwd: string, run: string, engine: string, seed: string, folder: string) {
  const own = ["--engine", engine, "--trial", seed, "--save_dir", folder];
  const ended = await pefd([...(RUNS[run] ?? []), ...SMALL, ...own], { cwd, env: ENVIRONMENT });
  assert.equal(ended.exitCode, 0, ended.stderr);
  return JSON.parse(ended.stdout) as { readonly runDir: string; readonly weightsSha256: string };
}

const all = ["1", "2", "3"].flatMap((seed) =>
  ["graph", "eager"].flatMap((engine) => Object.keys(RUNS).map((run) => ({ run, engine, seed }))),
);
const { cases, rest } = casesOf(all, Object.keys(RUNS).length);

const skip =
  expected === undefined &&
  `test/golden/bytes.json has no bytes of ${family ?? "a processor that does not tell its name"}`;

test(`the same commands give the same weights as commit ${commit.slice(0, 7)}`, {
  skip,
}, async (t) => {
  const cwd = await prepare(t);
  for (const { run, engine, seed } of cases) {
    await t.test(`${run}, ${engine}, seed ${seed}`, async () => {
      const { weightsSha256 } = await train(cwd, run, engine, seed, `${run}-${engine}-${seed}`);
      assert.equal(weightsSha256, expected?.[run]?.[seed]);
    });
  }
  for (const { run, engine, seed } of rest) {
    await t.test(`${run}, ${engine}, seed ${seed}`, { skip: SAMPLED }, () => {});
  }
});
