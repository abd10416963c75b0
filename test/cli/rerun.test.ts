import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const SMALL = ["--data", "data", "--limit_train", "40", "--limit_test", "20", "--batch_size", "20"];

/** Bytes of an image of CIFAR-100 with its labels. */
const RECORD = 3074;

test("a run is repeated from its own record: by rerun, by --config, with another seed", async (t) => {
  const cwd = temporaryFolder(t);
  await CIFAR100.synthesize(join(cwd, "data"), { train: 40, test: 20, seed: 1 });
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
  assert.match(again.stderr, /The weights are bit-identical to those of save\/student_model\/.*\./);

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

  const heavier = await typed(["rerun", student.runDir, "--batch_size", "10", "--dry_run"]);
  assert.match(heavier.stderr, /Another run than save.*--batch_size was 20 and is now 10/);
  assert.doesNotMatch(heavier.stderr, /same run/);

  const refused = async (path: string, change: (content: Buffer) => Buffer, told: RegExp) => {
    const kept = readFileSync(path);
    writeFileSync(path, change(kept));
    const { exitCode, stderr } = await pefd(["rerun", student.runDir, "--dry_run"], { cwd });
    assert.match(stderr, told);
    assert.doesNotMatch(stderr, /same run again/);
    assert.equal(exitCode, 2);
    writeFileSync(path, kept);
  };
  const edited = (content: Buffer) => Buffer.from(`${content}`.replace('"kd_T": 3', '"kd_T": 4'));
  await refused(join(cwd, record), edited, /config\.json is corrupt: .* its checksum/);
  const turned = (content: Buffer) => Buffer.concat([content.subarray(RECORD), content.subarray(0, RECORD)]);
  const train = join(cwd, "data/train.bin");
  await refused(train, turned, /training data: data has sha256/);
  const weights = join(cwd, JSON.parse(readFileSync(join(cwd, record), "utf8")).path_t);
  const other = join(cwd, second.runDir, "resnet8_last.safetensors");
  await refused(weights, () => readFileSync(other), /teacher's weights: .* has sha256/);

  const last = join(cwd, student.runDir, "resnet8_last.safetensors");
  writeFileSync(last, readFileSync(other));
  const elsewhere = await typed(["rerun", student.runDir, "--save_dir", "elsewhere"]);
  assert.equal(elsewhere.weightsSha256, student.weightsSha256);
  assert.match(elsewhere.stderr, /nothing is compared: resnet8_last\.safetensors: it belongs to another/);

  const plan = await typed(["rerun", teacher.runDir, "--dry_run"]);
  assert.deepEqual([plan.options.model, plan.options.save_dir], ["resnet8", "save/rerun"]);
  const wrong = await pefd(["distill", "--config", join(teacher.runDir, "config.json")], { cwd });
  assert.equal(wrong.exitCode, 2);
  assert.match(wrong.stderr, /is the config.json of a train-teacher[\s\S]*Type: .*train-teacher --config/);
  assert.equal(existsSync(join(cwd, "save/rerun/models")), false);
});

test("what is no run is not repeated", async (t) => {
  const { exitCode, stderr } = await pefd(["rerun", "."], { cwd: temporaryFolder(t) });
  assert.equal(exitCode, 2);
  assert.match(stderr, /is not a run folder: it has no config\.json/);
});
