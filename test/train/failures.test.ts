import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { float32Tensor, type StateTensor } from "#pefd/common/stateDict.js";
import type { EvalOptions } from "#pefd/config/options.js";
import { renderWatch } from "#pefd/report/live/watch.js";
import { reportDocument } from "#pefd/report/reportDocument.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { stateOf } from "#pefd/report/runs/runRecord.js";
import { unfinishedNotes } from "#pefd/report/summaryTable.js";
import { sealedText } from "#pefd/runFiles/stateFile.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { ourselves } from "#pefd/train/claim/lock.js";
import { runDistill } from "#pefd/train/distill.js";
import { runEvaluations } from "#pefd/train/evaluate.js";
import { runTeacher } from "#pefd/train/teacher.js";
import { refuseDivergedLoss } from "#pefd/train/trainer.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { holder } from "./claim/processes.js";
import {
  distillOptions,
  hooksStoppingAfter,
  randomTeacher,
  silentHooks,
  smallData,
  teacherOptions,
  teacherRun,
} from "./runs.js";

before(() => {
  loadTensorFlow();
});

test("a loss that is no number ends the run and keeps what was there before", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  // From the second epoch on, the rate of 0.05 grows to 5e18.
  const decay = { lr_decay_epochs: [1], lr_decay_rate: 1e20 };
  const options = teacherOptions(folder, { epochs: 1, ...decay });
  const { runDir } = await runTeacher(options, silentHooks());
  const names = ["resume.safetensors", "resnet8_best.safetensors", "resnet8_last.safetensors"];
  const before = names.map((name) => readFileSync(join(runDir, name)));
  const diverging = { ...options, epochs: 2 };
  await assert.rejects(runTeacher({ ...diverging, resume: true }, silentHooks()), {
    exitCode: 1,
    message: /loss became .* in epoch 2/,
    hint: /--learning_rate/,
  });
  assert.deepEqual(
    names.map((name) => readFileSync(join(runDir, name))),
    before,
  );
});

test("a run that diverges from the start ends in its first epoch and leaves no weights", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  const options = teacherOptions(folder, { learning_rate: 1e20 });
  await assert.rejects(runTeacher(options, silentHooks()), { exitCode: 1, message: /in epoch 1/ });
  const [runDir] = readdirSync(join(folder, "save/models"));
  const files = readdirSync(join(folder, "save/models", runDir as string));
  assert.deepEqual(
    files.filter((file) => file.endsWith(".safetensors")),
    [],
  );
});

test("a failed run keeps its reason, which report and watch show, until it is started again", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  const options = teacherOptions(folder, { learning_rate: 1e20 });
  await assert.rejects(runTeacher(options, silentHooks()));
  const dir = join(folder, "save/models");
  const found = collectRuns([dir]);
  const [failed] = found.runs;
  assert.ok(failed);
  assert.equal(stateOf(failed, Date.now()), "failed");
  assert.match(failed.failure ?? "", /loss became .* in epoch 1/);
  assert.match(unfinishedNotes(found.runs).join(), /epoch 0 of 2; failed: .*loss became/);
  assert.match(renderWatch(found.runs, Date.now(), 200), /^failed .*\n[\s\S]*loss became/);
  const { runs } = reportDocument([], found) as { runs: { failed: string }[] };
  assert.equal(runs[0]?.failed, failed.failure);
  await assert.rejects(runTeacher({ ...options, resume: true }, hooksStoppingAfter(1, 1)));
  const [again] = collectRuns([dir]).runs;
  assert.equal(again && stateOf(again, Date.now()), "running", "an interruption is no failure");
});

/** A run of one epoch, and what it has kept; the first update of the next one takes it far away. */
async function aboutToDiverge(t: TestContext, batch_size: number, lr_decay_rate = 1e20) {
  const folder = temporaryFolder(t);
  await smallData(folder);
  const decay = { lr_decay_epochs: [1], lr_decay_rate };
  const options = teacherOptions(folder, { epochs: 1, batch_size, tb_freq: 1, ...decay });
  const { runDir } = await runTeacher(options, silentHooks());
  const kept = () =>
    readdirSync(runDir)
      .filter((name) => /^(?:resnet8|resume|epochs|result)/.test(name))
      .map((name) => [name, readFileSync(join(runDir, name)).toString("base64")]);
  return { runDir, next: { ...options, epochs: 2, resume: true }, kept };
}

test("a loss in testing that is no number ends the run like one in training", async (t) => {
  // In one step the loss is that before the update.
  const { next, kept } = await aboutToDiverge(t, 20);
  const before = kept();
  await assert.rejects(runTeacher(next, silentHooks()), {
    exitCode: 1,
    message: /^The test loss became \S+ in epoch 2; .* keeps what was there/,
  });
  assert.deepEqual(kept(), before);
});

test("the step is told in which the loss went", async (t) => {
  const { next } = await aboutToDiverge(t, 8);
  // Batch normalisation of values whose squares are infinite is 0 or no number, by whose op it is.
  await assert.rejects(runTeacher(next, silentHooks()), {
    exitCode: 1,
    message: /^The training loss became \S+ in epoch 2, step [23]; /,
  });
});

test("of a loss of several terms those are named that went first", () => {
  const told = (terms: Record<string, number>, words: string) => {
    const place = { runDir: "save/run", epoch: 3, after: 64, step: 128, terms };
    assert.throws(() => refuseDivergedLoss("training", Number.NaN, place), {
      message: `The training loss became NaN in epoch 3, in one of its steps 65 to 128${words}; save/run keeps what was there before.`,
    });
  };
  told({ ce: 1.5, kl: Number.POSITIVE_INFINITY }, " (kl diverged first, not ce)");
  told({ ce: Number.NaN, kl: Number.NaN }, " (ce, kl diverged)");
  told({ ce: 1, kl: 2 }, "");
});

test("a run that diverged is not kept over the good one when it is stopped, either", async (t) => {
  const { next, kept } = await aboutToDiverge(t, 20, 1e42);
  const before = kept();
  await assert.rejects(runTeacher(next, hooksStoppingAfter(2, 1)), {
    exitCode: 1,
    message: /became NaN or infinite in epoch 2; .* keeps what was there/,
  });
  assert.deepEqual(kept(), before);
});

test("a teacher or a checkpoint that is no numbers is named before anything is written", async (t) => {
  const folder = temporaryFolder(t);
  const data = await smallData(folder);
  const path = await randomTeacher(folder);
  const { state } = await readCheckpoint(path);
  const spoiled = async (name: string, value: number) => {
    const tensor = state.get(name) as StateTensor;
    const values = toFloat32(tensor).slice();
    values[1] = value;
    const changed = new Map(state).set(name, float32Tensor(values, tensor.shape));
    await writeCheckpoint(path, changed, { model: "resnet8" });
  };
  const train = () => runDistill(distillOptions(folder), silentHooks());
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY]) {
    await spoiled("layer1.0.conv1.weight", value);
    const refused = {
      exitCode: 2,
      message: `layer1.0.conv1.weight in ${path} holds values that are NaN or infinite; nothing can be computed with it.`,
    };
    await assert.rejects(train(), refused);
    const subject = {
      checkpoint: path,
      model: undefined,
      dataset: "cifar100",
      data,
      engine: "graph",
      precision: "float32",
      no_cache: true,
    } as unknown as EvalOptions;
    await assert.rejects(runEvaluations([subject], { env: {}, onProgress: () => {} }), refused);
  }
  await spoiled("bn1.running_var", -1); // a number, of which none follows
  await assert.rejects(train(), {
    exitCode: 2,
    message: /^The output of the teacher in .* for an image of noise holds values/,
  });
  assert.ok(!existsSync(join(folder, "save")));
});

test("a teacher of another number of classes is refused before anything is written", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  const path = await randomTeacher(folder, 10);
  await assert.rejects(runDistill(distillOptions(folder), silentHooks()), {
    exitCode: 2,
    message: `The teacher in ${path} was trained for 10 classes; cifar100 has 100.`,
  });
  assert.ok(!existsSync(join(folder, "save")));
});

test("a folder in which another process works is left alone until that process is gone", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  const runDir = teacherRun(folder);
  mkdirSync(runDir, { recursive: true });
  const other = await holder(runDir);
  await assert.rejects(runTeacher(teacherOptions(folder, { resume: true }), silentHooks()), {
    exitCode: 2,
    message: `Process ${other.child.pid} is working in ${runDir}.`,
  });
  assert.deepEqual(readdirSync(runDir), ["run.lock"]);

  await other.kill();
  const options = teacherOptions(folder, { resume: true, epochs: 1 });
  await runTeacher(options, silentHooks());
  assert.ok(!readdirSync(runDir).includes("run.lock"));
});

test("a lock of another machine is never taken for a stale one, not by --force either", async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder);
  const { runDir } = await runTeacher(teacherOptions(folder, { epochs: 1 }), silentHooks());
  const owner = { ...ourselves(true), host: "node17", boot: "4d0a", pid: 4711, started: "1" };
  writeFileSync(join(runDir, "run.lock"), sealedText(owner));
  const before = readdirSync(runDir);
  for (const how of [{ resume: true }, { force: true }]) {
    await assert.rejects(runTeacher(teacherOptions(folder, { epochs: 2, ...how }), silentHooks()), {
      exitCode: 2,
      message: `Process 4711 on node17 is working in ${runDir}, or was killed there.`,
      hint: new RegExp(`If it is gone: rm '?${runDir}/run.lock'?, then type this again`),
    });
  }
  assert.deepEqual(readdirSync(runDir), before);

  rmSync(join(runDir, "run.lock"));
  await runTeacher(teacherOptions(folder, { epochs: 2, resume: true }), silentHooks());
});
