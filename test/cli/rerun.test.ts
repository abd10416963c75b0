import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { synthesize } from "#pefd/data/cifar/synthetic.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const SMALL = ["--data", "data", "--limit_train", "40", "--limit_test", "20", "--batch_size", "20"];

test("a run is repeated from its own record: by rerun, by --config, with another seed", async (t) => {
  const cwd = temporaryFolder(t);
  await synthesize(join(cwd, "data"), { train: 40, test: 20, seed: 1 });
  const typed = async (words: readonly string[]) => {
    const ended = await pefd([...words, "--json"], { cwd });
    assert.equal(ended.exitCode, 0, ended.stderr);
    return { ...JSON.parse(ended.stdout), stderr: ended.stderr };
  };
  const teacher = await typed(["train-teacher", "--model", "resnet8", ...SMALL, "--epochs", "1"]);
  const pair = ["--model_t", "resnet8", "--model_s", "resnet8", "--distill", "kd", "--kd_T", "3"];
  const student = await typed(["distill", ...pair, ...SMALL, "--epochs", "1"]);

  const again = await typed(["rerun", student.runDir]);
  assert.equal(again.weightsSha256, student.weightsSha256);
  assert.match(again.runDir, /^save\/rerun\/student_model\//);
  assert.match(again.stderr, /The weights are those of save\/student_model\/.*, bit for bit\./);

  const record = join(student.runDir, "config.json");
  const configured = await typed(["distill", "--config", record, "--save_dir", "other"]);
  assert.equal(configured.weightsSha256, student.weightsSha256);

  const second = await typed(["rerun", student.runDir, "--trial", "2"]);
  assert.equal(
    second.runDir,
    `${student.runDir.slice(0, student.runDir.indexOf("_b:0.9_1"))}_b:0.9_2${student.runDir.split("_b:0.9_1")[1]}`,
  );
  assert.notEqual(second.weightsSha256, student.weightsSha256);
  const config = JSON.parse(readFileSync(join(cwd, second.runDir, "config.json"), "utf8"));
  assert.deepEqual([config.trial, config.kd_T, config.limit_train], [2, 3, 40]);

  const plan = await typed(["rerun", teacher.runDir, "--dry_run"]);
  assert.deepEqual([plan.options.model, plan.options.save_dir], ["resnet8", "save/rerun"]);
  const wrong = await pefd(["distill", "--config", join(teacher.runDir, "config.json")], { cwd });
  assert.equal(wrong.exitCode, 2);
  assert.match(
    wrong.stderr,
    /is the record of a run of train-teacher[\s\S]*Type: .*train-teacher --config/,
  );
  assert.equal(existsSync(join(cwd, "save/rerun/models")), false);
});

test("what is no run is not repeated", async (t) => {
  const { exitCode, stderr } = await pefd(["rerun", "."], { cwd: temporaryFolder(t) });
  assert.equal(exitCode, 2);
  assert.match(stderr, /is not the folder of a run: it holds no config\.json/);
});
