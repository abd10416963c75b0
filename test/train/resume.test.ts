import assert from "node:assert/strict";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import type { StateTensor } from "#pefd/common/stateDict.js";
import { METHODS } from "#pefd/distill/registry.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { collectRuns } from "#pefd/report/runs/collect.js";
import { summarize } from "#pefd/report/runs/summarize.js";
import { readConfig } from "#pefd/runFiles/identity.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import type { RunResult } from "#pefd/train/files/result.js";
import { generationsOf } from "#pefd/train/files/runName.js";
import { asBegun } from "#pefd/train/prepare.js";
import { runTeacher } from "#pefd/train/teacher.js";
import { verifyRun } from "#pefd/verify/verify.js";
import { withMany } from "../helpers/matrices.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import {
  distillOptions,
  hooksStoppingAfter,
  lastWeights,
  prepared,
  randomTeacher,
  silentHooks,
  smallData,
  teacherOptions,
} from "./runs.js";
import { snapshot } from "./snapshot.js";

before(() => {
  loadTensorFlow();
});

/** Losses and accuracies of all epochs, without their times. */
const curves = (runDir: string) =>
  readEpochLog(runDir).map(({ epoch, learningRate, train, test }) => ({
    epoch,
    learningRate,
    train,
    test,
  }));

/** Equal, but for the last bits of test losses: engines join the layers of an evaluation in different ways. */
function assertSameCurves(a: ReturnType<typeof curves>, b: ReturnType<typeof curves>): void {
  const withoutTestLoss = (rows: typeof a) => rows.map(({ test: { loss: _, ...test }, ...row }) => ({ ...row, test }));
  assert.deepEqual(withoutTestLoss(a), withoutTestLoss(b));
  a.forEach(({ test }, i) => {
    assert.ok(Math.abs(test.loss / (b[i]?.test.loss as number) - 1) < 1e-6);
  });
}

test("a run goes on in the precision in which it began, unless another is named", async (t) => {
  const folder = await prepared(t);
  const options = distillOptions(folder, { epochs: 1 });
  const { precision, runDir } = await runDistill(options, silentHooks());
  assert.equal(precision, "float32");
  const auto = { ...options, precision: "auto", resume: true } as const;
  assert.equal(asBegun(auto, runDir).precision, "float32");
  assert.equal(asBegun({ ...auto, resume: false }, runDir).precision, "auto");
  assert.equal(asBegun({ ...auto, precision: "bfloat16" }, runDir).precision, "bfloat16");
  assert.equal(asBegun(auto, join(folder, "elsewhere")).precision, "auto");
  const resumed = await runDistill({ ...auto, epochs: 2 }, silentHooks());
  assert.equal(resumed.precision, "float32");
});

test("a run stopped in the middle of an epoch goes on with another engine, bit for bit", async (t) => {
  const folder = await prepared(t);
  const whole = await runDistill(distillOptions(folder), silentHooks());

  const changes = { save_dir: join(folder, "stopped"), tb_freq: 1 };
  const options = distillOptions(folder, changes);
  await assert.rejects(runDistill(options, hooksStoppingAfter(2, 2)), { message: "stopped" });
  const resumed = await runDistill({ ...options, engine: "eager", resume: true, tb_freq: 500 }, silentHooks());
  assert.equal(resumed.engine, "eager");
  assert.deepEqual(lastWeights(resumed.runDir), lastWeights(whole.runDir));
  assertSameCurves(curves(resumed.runDir), curves(whole.runDir));
  assert.deepEqual(resumed.best, whole.best);
});

test("a method without a teacher trains and goes on without one, bit for bit", async (t) => {
  const folder = await prepared(t);
  rmSync(join(folder, "teacher.safetensors"));
  for (const { name, weights } of METHODS.rows().filter(({ teacherFree }) => teacherFree)) {
    const none = { path_t: undefined, model_t: undefined };
    const options = distillOptions(folder, { ...none, ...weights, distill: name, epochs: 2, tb_freq: 1 });
    const whole = await runDistill(options, silentHooks());
    assert.match(basename(whole.runDir), new RegExp(`^S:resnet8_T:none_cifar100_${name}_`));
    const stopped = { ...options, save_dir: join(folder, "stopped") };
    await assert.rejects(runDistill(stopped, hooksStoppingAfter(2, 2)), { message: "stopped" });
    const resumed = await runDistill({ ...stopped, engine: "eager", resume: true }, silentHooks());
    assert.deepEqual(lastWeights(resumed.runDir), lastWeights(whole.runDir), name);
  }
});

test("born-again generations stopped within the second go on, bit for bit", async (t) => {
  const folder = await prepared(t);
  const options = distillOptions(folder, {
    distill: "kd",
    gamma: 0.1,
    beta: 0.9,
    generations: 3,
    epochs: 2,
    tb_freq: 1,
  });
  const train = async (given: typeof options, second = silentHooks()) => {
    const runs: RunResult[] = [];
    for (const run of generationsOf(given)) {
      runs.push(await runDistill(run, run.generation === 2 ? second : silentHooks()));
    }
    return runs.map(({ runDir }) => runDir);
  };
  const whole = await train(options);
  const stopped = { ...options, save_dir: join(folder, "stopped") };
  await assert.rejects(train(stopped, hooksStoppingAfter(2, 1)), { message: "stopped" });
  const resumed = await train(stopped);
  assert.deepEqual(resumed.map(lastWeights), whole.map(lastWeights));
  assert.equal(new Set(whole.map((dir) => lastWeights(dir).toString("hex"))).size, 3);
  const seeds = whole.map((dir) => readConfig(dir)).map((found) => found.state === "whole" && found.content.seed);
  assert.deepEqual(seeds, [10, 11, 12]);

  const [first, ...later] = summarize(collectRuns(whole).runs);
  assert.deepEqual(
    [first, ...later].map((summary) => summary?.differs.generation),
    [1, 2, 3],
  );
  const { findings } = await verifyRun(whole[1] as string);
  assert.ok(findings.some(({ what, verdict }) => what === "teacher's weights" && verdict === "fits"));
});

test("a run in float16 goes on with its loss scale, bit for bit", async (t) => {
  const folder = await prepared(t);
  const whole = await runTeacher(teacherOptions(folder, { precision: "float16", epochs: 2 }), silentHooks());
  const options = teacherOptions(folder, {
    precision: "float16",
    save_dir: join(folder, "stopped"),
    epochs: 2,
    tb_freq: 1,
  });
  await assert.rejects(runTeacher(options, hooksStoppingAfter(2, 1)), { message: "stopped" });
  const scaler = async (runDir: string) => {
    const { state } = await readCheckpoint(join(runDir, "resume.safetensors"));
    return ["scaler.scale", "scaler._growth_tracker"].map((name) => toFloat32(state.get(name) as StateTensor)[0]);
  };
  const [scale, before] = await scaler(join(options.save_dir, "models", basename(whole.runDir)));
  assert.equal(scale, 65536);
  const resumed = await runTeacher({ ...options, resume: true, tb_freq: 500 }, silentHooks());
  assert.equal(resumed.precision, "float16");
  assert.equal(resumed.weightsSha256, whole.weightsSha256);
  const [, after] = await scaler(resumed.runDir);
  assert.ok((before as number) > 0 && (after as number) > (before as number), `${before}, then ${after}`);
  assert.deepEqual(await scaler(resumed.runDir), await scaler(whole.runDir));
});

test("a run stopped while it evaluates goes on with that evaluation, bit for bit", async (t) => {
  const folder = await prepared(t);
  const whole = await runDistill(distillOptions(folder), silentHooks());

  const options = distillOptions(folder, { save_dir: join(folder, "stopped") });
  const controller = new AbortController();
  let epochs = 0;
  const stopping = silentHooks(
    {
      epochDone: () => {
        epochs++;
      },
      evaluating: () => {
        if (epochs === 1) controller.abort(new Error("stopped"));
      },
    },
    controller.signal,
  );
  await assert.rejects(runDistill(options, stopping), { message: "stopped" });
  assert.equal(epochs, 1);
  const steps: unknown[] = [];
  const resumed = await runDistill(
    { ...options, resume: true },
    silentHooks({ stepDone: ({ epoch }) => epoch === 2 && steps.push(epoch) }),
  );
  assert.deepEqual(steps, [], "no step of that epoch is taken again");
  assert.deepEqual(lastWeights(resumed.runDir), lastWeights(whole.runDir));
  assert.deepEqual(curves(resumed.runDir), curves(whole.runDir));
  const { stepMs, seconds } = readEpochLog(resumed.runDir)[1] as {
    stepMs: number;
    seconds: number;
  };
  assert.ok(stepMs > 0 && seconds > 0);
});

test("a complete run goes on when --epochs is raised, as if it had been asked for at once", async (t) => {
  const folder = await prepared(t);
  const whole = await runTeacher(teacherOptions(folder, { epochs: 3 }), silentHooks());
  const options = teacherOptions(folder, { save_dir: join(folder, "longer"), epochs: 2 });
  await runTeacher(options, silentHooks());
  const longer = await runTeacher({ ...options, epochs: 3, resume: true }, silentHooks());
  assert.deepEqual(lastWeights(longer.runDir), lastWeights(whole.runDir));
  assert.deepEqual(curves(longer.runDir), curves(whole.runDir));
});

test("a complete run is not repeated by --resume", async (t) => {
  const folder = await prepared(t);
  const options = teacherOptions(folder, { epochs: 1 });
  const first = await runTeacher(options, silentHooks());
  const steps: unknown[] = [];
  const hooks = silentHooks({ stepDone: (progress) => steps.push(progress) });
  assert.deepEqual(await runTeacher({ ...options, resume: true }, hooks), first);
  assert.deepEqual(steps, []);
});

test("--resume without an earlier run starts one", async (t) => {
  const folder = await prepared(t);
  const result = await runTeacher(teacherOptions(folder, { epochs: 1, resume: true }), silentHooks());
  assert.equal(readEpochLog(result.runDir).length, 1);
});

test("an existing run is neither replaced nor resumed unasked, nor resumed as another", async (t) => {
  const folder = await prepared(t);
  const options = teacherOptions(folder, { epochs: 1 });
  const { runDir } = await runTeacher(options, silentHooks());
  const kept = snapshot(runDir);
  await assert.rejects(runTeacher(options, silentHooks()), (error: Error) => {
    assert.equal((error as Error & { exitCode: number }).exitCode, 2);
    assert.match(error.message, /already exists/);
    assert.match(String((error as Error & { hint: string }).hint), /--resume.*--force/);
    return true;
  });
  await assert.rejects(runTeacher({ ...options, batch_size: 4, resume: true }, silentHooks()), {
    exitCode: 2,
    message: /--batch_size was 8 and is now 4/,
  });
  assert.deepEqual(snapshot(runDir), kept);
});

test("--force replaces a run, but no folder of something else", async (t) => {
  const folder = await prepared(t);
  const options = teacherOptions(folder, { epochs: 1 });
  const { runDir } = await runTeacher(options, silentHooks());
  writeFileSync(join(runDir, "ckpt_epoch_40.safetensors"), "of the run before");
  await runTeacher({ ...options, force: true }, silentHooks());
  assert.ok(!readdirSync(runDir).includes("ckpt_epoch_40.safetensors"));

  rmSync(join(runDir, "config.json")); // what tells a run of pefd from something else
  const kept = snapshot(runDir);
  await assert.rejects(runTeacher({ ...options, force: true }, silentHooks()), {
    exitCode: 2,
    message: /not a run of pefd/,
  });
  assert.deepEqual(snapshot(runDir), kept);
});

test("a run whose teacher looks ahead comes to the same, stopped in the middle of a group or not", {
  skip: withMany,
}, async (t) => {
  const folder = temporaryFolder(t);
  await smallData(folder, 36);
  await randomTeacher(folder);
  const xla = { engine: "xla" } as const;
  const alone = await runDistill(distillOptions(folder, { ...xla, teacher_ahead: 1 }), silentHooks());

  const places = { save_dir: join(folder, "ahead"), tb_freq: 1 };
  const ahead = distillOptions(folder, { ...xla, ...places, teacher_ahead: 2 });
  await assert.rejects(runDistill(ahead, hooksStoppingAfter(1, 3)), { message: "stopped" });
  const resumed = await runDistill({ ...ahead, resume: true, tb_freq: 500 }, silentHooks());
  for (const [what, a, b] of [
    ["training", resumed.train.loss, alone.train.loss],
    ["test", resumed.test.loss, alone.test.loss],
  ] as const) {
    assert.ok(Math.abs(a / b - 1) < 1e-3, `${what}: ${a} and ${b}`);
  }
});

test("a teacher that cannot look ahead says why, and the run is the same", async (t) => {
  const folder = await prepared(t);
  const whole = await runDistill(distillOptions(folder), silentHooks());
  const notices: string[] = [];
  const asked = distillOptions(folder, { save_dir: join(folder, "asked"), teacher_ahead: 4 });
  const run = await runDistill(asked, silentHooks({ notice: (text) => notices.push(text) }));
  assert.equal(run.weightsSha256, whole.weightsSha256);
  assert.match(notices.join("\n"), /--teacher_ahead is not used here: the graph engine/);
});
