import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { OWN } from "../nn/ownOps.js";

const RUN = ["train-teacher", "--model", "resnet8", "--data", "data", "--batch_size", "16"];
const FLOAT32 = ["--engine", "graph", "--precision", "float32", "--quiet", "--json"];

test("a run goes on with kernels of the same bits only, and ends in the same weights", OWN, async (t) => {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 32, test: 8, seed: 1 });
  const train = (kernels: string, ...words: string[]) =>
    pefd([...RUN, ...FLOAT32, ...words], {
      cwd,
      env: { PEFD_CONVOLUTIONS: kernels, CUDA_VISIBLE_DEVICES: "-1" },
    });
  const whole = await train("", "--epochs", "2", "--save_dir", "whole");
  const part = await train("avx2", "--epochs", "1", "--save_dir", "part");
  assert.deepEqual([whole.exitCode, part.exitCode], [0, 0], whole.stderr + part.stderr);
  const { runDir } = JSON.parse(part.stdout);
  const { identity } = JSON.parse(readFileSync(join(cwd, runDir, "config.json"), "utf8"));
  assert.equal(identity.kernels, "own");

  const goOn = ["--epochs", "2", "--save_dir", "part", "--resume"];
  const other = await train("tensorflow", ...goOn);
  assert.equal(other.exitCode, 2, other.stderr);
  assert.match(other.stderr, /the kernel set: own then, tensorflow now/);

  const { exitCode, stdout, stderr } = await train("", ...goOn);
  assert.equal(exitCode, 0, stderr);
  assert.equal(JSON.parse(stdout).weightsSha256, JSON.parse(whole.stdout).weightsSha256);
});
