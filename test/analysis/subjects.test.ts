import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { type TestContext, test } from "node:test";
import { subjectsOfRuns } from "#pefd/analysis/subjects.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** A folder of runs, each with its last weights alone, in the order in which a folder lists them. */
function runsIn(t: TestContext, configs: readonly object[]): string {
  const dir = temporaryFolder(t);
  writeFileSync(join(dir, "teacher.safetensors"), "");
  const common = { kind: "distill", model: "resnet8", distill: "ours", trial: 1, epochs: 2 };
  const teacher = { path_t: join(dir, "teacher.safetensors"), model_t: "resnet8", data: "data" };
  for (const [i, config] of configs.entries()) {
    const run = join(dir, `run${i}`);
    mkdirSync(run);
    writeFileSync(join(run, "config.json"), JSON.stringify({ ...common, ...teacher, ...config }));
    writeFileSync(join(run, "resnet8_last.safetensors"), "");
  }
  return dir;
}

const orderOf = (dir: string) =>
  subjectsOfRuns([dir], {}, true, (problem) => assert.fail(problem)).map(({ run }) => basename(run?.dir ?? ""));

test("runs of a method are in order of projectors, none first, and of those by trial", (t) => {
  const dir = runsIn(t, [
    { num_proj: 2 },
    { num_proj: 10, trial: 2 },
    { num_proj: 10, trial: 1 },
    { num_proj: undefined },
    { num_proj: 0 },
  ]);
  assert.deepEqual(orderOf(dir), ["run3", "run4", "run0", "run2", "run1"]);
});

test("the method comes before the number of projectors", (t) => {
  const dir = runsIn(t, [{ distill: "ours", num_proj: 1 }, { distill: "kd" }]);
  assert.deepEqual(orderOf(dir), ["run1", "run0"]);
});
