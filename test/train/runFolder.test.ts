import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { before, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { readResult } from "#pefd/runFiles/stateFile.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import type { RunResult } from "#pefd/train/files/result.js";
import { studentFolder, teacherFolder } from "#pefd/train/files/runName.js";
import { runTeacher } from "#pefd/train/teacher.js";
import { goldenLayout } from "../helpers/formula.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { decodeEvents } from "../report/log/events.js";
import { distillOptions, prepared, silentHooks, TRAIN_IMAGES, teacherOptions, teacherRun } from "./runs.js";

before(() => {
  loadTensorFlow();
});

const hashOfFile = async (path: string): Promise<string> => {
  const { state } = await readCheckpoint(path);
  const hash = createHash("sha256");
  for (const tensor of state.values()) hash.update(tensor.data);
  return hash.digest("hex");
};

test("a distillation leaves the paper's folder with the files of a run", async (t) => {
  const folder = await prepared(t);
  const options = distillOptions(folder, { save_freq: 1, tb_freq: 1 });
  const result = await runDistill(options, silentHooks());
  const name = "S:resnet8_T:resnet8_cifar100_ours_r:1_a:0_b:25_1";
  assert.equal(result.runDir, join(folder, "save/student_model", name));
  const weights = ["ckpt_epoch_1", "ckpt_epoch_2", "resnet8_best", "resnet8_last"];
  const files = readdirSync(result.runDir);
  const events = files.find((file) => file.startsWith("events.out.tfevents.")) as string;
  assert.deepEqual(
    files.sort(),
    [
      "config.json",
      "epochs.csv",
      events,
      "result.json",
      "resume.safetensors",
      "steps",
      ...weights.flatMap((file) => [`${file}.safetensors`, `${file}_projectors.safetensors`]),
    ].sort(),
  );
  const config = JSON.parse(readFileSync(join(result.runDir, "config.json"), "utf8"));
  const { kind, model_s, seed, epochs, learning_rate, engine, precision, versions, origin } = config;
  assert.deepEqual(
    { kind, model_s, seed, epochs, learning_rate, engine, precision },
    {
      kind: "distill",
      model_s: "resnet8",
      seed: 10,
      epochs: 2,
      learning_rate: 0.05,
      engine: "graph",
      precision: "float32",
    },
  );
  for (const name of ["tensorflow", "pefd"]) assert.match(versions[name], /^\d+\.\d+/);
  assert.equal(origin.host, hostname());
  assert.ok(Math.abs(Date.parse(origin.started) - Date.now()) < 3_600_000, origin.started);
  checkEvents(readFileSync(join(result.runDir, events)), result);
});

function checkEvents(file: Buffer, { train, test, runDir }: RunResult): void {
  const scalars = decodeEvents(file).filter((event) => event.tag !== undefined);
  const own = Object.keys(train.terms ?? {}).map((term) => `train_${term}`);
  const tags = ["train_acc", "train_loss", "test_acc", "test_loss", "test_acc_top5", ...own];
  assert.deepEqual(
    scalars.map(({ tag, step }) => `${tag} ${step}`),
    [1, 2].flatMap((epoch) => tags.map((tag) => `${tag} ${epoch}`)),
  );
  const terms = Object.values(train.terms ?? {});
  const means = [train.top1, train.loss, test.top1, test.loss, test.top5];
  const last = [...means, ...terms].map(Math.fround);
  assert.deepEqual(
    scalars.slice(tags.length).map(({ value }) => value),
    last,
  );
  const rows = readEpochLog(runDir);
  assert.deepEqual(
    rows.map((row) => row.epoch),
    [1, 2],
  );
  assert.deepEqual([rows[1]?.train, rows[1]?.test], [train, test]);
}

test("the result tells of the run, and its hash is of the last weights in state_dict order", async (t) => {
  const folder = await prepared(t);
  const result = await runTeacher(teacherOptions(folder), silentHooks());
  const { runDir, epochs, engine, precision, device, seconds, stepMs } = result;
  assert.deepEqual([runDir, epochs], [teacherRun(folder), 2]);
  assert.deepEqual([engine, precision], ["graph", "float32"]);
  assert.ok(device.length > 0 && seconds > 0 && stepMs > 0);
  assert.deepEqual(readResult(runDir), { state: "whole", content: result, sealed: true });

  const path = join(runDir, "resnet8_last.safetensors");
  const { state, metadata } = await readCheckpoint(path);
  assert.deepEqual([metadata.model, metadata.epoch], ["resnet8", 2]);
  const counters = [...state].filter(([name]) => name.endsWith("num_batches_tracked"));
  assert.equal(counters.length, 9);
  for (const [, counter] of counters) {
    assert.equal(Buffer.from(counter.data).readBigInt64LE(), 6n); // 2 epochs of 3 steps
  }
  const layout = goldenLayout("resnet20").slice(0, 6);
  assert.deepEqual(
    [...state.keys()].slice(0, 6),
    layout.map(([name]) => name),
  );
  assert.equal(result.weightsSha256, await hashOfFile(path));
});

test("the same seed gives the same weights, another trial gives others", async (t) => {
  const folder = await prepared(t);
  const hash = async (trial: number, force: boolean): Promise<string> => {
    const options = distillOptions(folder, { epochs: 1, trial, force });
    return (await runDistill(options, silentHooks())).weightsSha256;
  };
  const first = await hash(1, false);
  assert.equal(await hash(1, true), first);
  assert.notEqual(await hash(2, false), first);
});

test("the loss falls, the learning rate follows the schedule, the best epoch is kept", async (t) => {
  const folder = await prepared(t, 60);
  const options = teacherOptions(folder, {
    epochs: 6,
    lr_decay_epochs: [2, 4],
    save_freq: 1,
  });
  const { runDir, best } = await runTeacher(options, silentHooks());
  const rows = readEpochLog(runDir);
  const losses = rows.map((row) => row.train.loss);
  assert.ok((losses.at(-1) as number) < 0.6 * (losses[0] as number), losses.join());
  const rates = [0.05, 0.05, 0.005, 0.005, 5e-4, 5e-4];
  rows.forEach((row, i) => {
    assert.ok(Math.abs(row.learningRate / (rates[i] as number) - 1) < 1e-9);
  });

  const accuracies = rows.map((row) => row.test.top1);
  const top1 = Math.max(...accuracies);
  assert.deepEqual(best, { top1, epoch: accuracies.indexOf(top1) + 1 });
  const kept = await hashOfFile(join(runDir, "resnet8_best.safetensors"));
  assert.equal(kept, await hashOfFile(join(runDir, `ckpt_epoch_${best.epoch}.safetensors`)));
});

test("progress is told after every step that a curve has, however many steps a call takes", async (t) => {
  const folder = await prepared(t);
  const steps: number[] = [];
  const stepDone = (progress: { step: number }) => steps.push(progress.step);
  const often = { epochs: 1, batch_size: 1, tb_freq: 3 };
  await runTeacher(teacherOptions(folder, often), silentHooks({ stepDone }));
  assert.deepEqual(
    [3, 6, 9, 12, 15, 18, TRAIN_IMAGES].filter((step) => !steps.includes(step)),
    [],
  );
});

test("an epoch counts every image once, those of the last short batch included", async (t) => {
  const folder = await prepared(t);
  const images: number[] = [];
  const stepDone = (progress: { images: number }) => images.push(progress.images);
  await runTeacher(teacherOptions(folder, { epochs: 1, tb_freq: 1 }), silentHooks({ stepDone }));
  assert.deepEqual(images, [8, 16, TRAIN_IMAGES]);
});

test("a run on a part of the images has a folder of its own, unless an earlier version began it in the paper's", async (t) => {
  const folder = temporaryFolder(t);
  const options = distillOptions(folder);
  const [whole, part] = [studentFolder(options), studentFolder({ ...options, limit_train: 20, limit_test: 10 })];
  assert.equal(part, `${whole}_limit_test:10_limit_train:20`);
  const teacher = teacherOptions(folder);
  assert.equal(teacherFolder({ ...teacher, limit_train: 20 }), `${teacherFolder(teacher)}_limit_train:20`);
  mkdirSync(whole, { recursive: true });
  writeFileSync(join(whole, "config.json"), JSON.stringify({ kind: "distill", epochs: 2, limit_train: 20 }));
  assert.equal(studentFolder({ ...options, limit_train: 20 }), whole);
  assert.equal(studentFolder({ ...options, limit_train: 30 }), `${whole}_limit_train:30`);
});
