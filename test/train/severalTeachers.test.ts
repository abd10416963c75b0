import assert from "node:assert/strict";
import { readdirSync, renameSync } from "node:fs";
import { basename, join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import type { DistillOptions } from "#pefd/config/options.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { type RunConfig, readConfig } from "#pefd/runFiles/identity.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import type { RunResult } from "#pefd/train/files/result.js";
import { stateDictOf } from "#pefd/train/files/stateFiles.js";
import { inputReader } from "#pefd/train/openModel.js";
import { inputFindings } from "#pefd/verify/inputs.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { distillOptions, hooksStoppingAfter, MODEL, randomTeacher, silentHooks, smallData } from "./runs.js";

before(() => {
  loadTensorFlow();
});

/** A data set and two teachers, a.safetensors and b.safetensors; images for two whole batches of 8 and a short one. */
async function prepared(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  await smallData(folder);
  for (const [seed, name] of ["a", "b"].entries()) {
    renameSync(await randomTeacher(folder, 100, seed), join(folder, `${name}.safetensors`));
  }
  return folder;
}

/** Options with some of these teachers, one letter each. */
function taughtBy(folder: string, teachers: string, changes: Partial<DistillOptions> = {}): DistillOptions {
  const paths = [...teachers].map((name) => join(folder, `${name}.safetensors`));
  const path_t = paths.length === 1 ? (paths[0] as string) : paths;
  const model_t = paths.map(() => MODEL).join("+");
  // A rate at which no method diverges on teachers and images made of noise.
  const common = {
    distill: "kd",
    gamma: 0.1,
    beta: 0.9,
    learning_rate: 1e-3,
    save_dir: join(folder, "save", teachers),
  };
  return distillOptions(folder, { ...common, path_t, model_t, ...changes });
}

const weightsOf = ({ weightsSha256 }: RunResult): string => weightsSha256;

const lossOf = ({ runDir }: RunResult): number => readEpochLog(runDir)[0]?.train.loss as number;

for (const engine of ["eager", "graph"] as const) {
  test(`${engine}: equal teachers are one in kd, two bit for bit; another one changes what is learnt`, async (t) => {
    const folder = await prepared(t);
    const run = (teachers: string) => runDistill(taughtBy(folder, teachers, { engine, epochs: 1 }), silentHooks());
    const one = await run("a");
    assert.equal(weightsOf(await run("aa")), weightsOf(one));
    const three = await run("aaa"); // a sum of three is rounded
    assert.ok(Math.abs(lossOf(three) / lossOf(one) - 1) < 1e-5, `${lossOf(three)} instead of ${lossOf(one)}`);
    assert.notEqual(weightsOf(await run("ab")), weightsOf(one));
  });
}

for (const [distill, more] of [
  ["kd", {}],
  ["camkd", { gamma: 1, beta: 1 }],
  ["camkd+kd", { gamma: 1, beta: [1, 1] }],
] as const) {
  test(`${distill}: a stopped run of two teachers goes on to the bytes of one that was not`, async (t) => {
    const folder = await prepared(t);
    const tensors = tf.memory().numTensors;
    const options = (name: string, resume = false) =>
      taughtBy(folder, "ab", { distill, ...more, tb_freq: 1, resume, save_dir: join(folder, name) });
    const whole = await runDistill(options("whole"), silentHooks());
    await assert.rejects(runDistill(options("stopped"), hooksStoppingAfter(2, 1)), { message: "stopped" });
    const resumed = await runDistill(options("stopped", true), silentHooks());
    assert.equal(weightsOf(resumed), weightsOf(whole));
    assert.equal(tf.memory().numTensors, tensors);
  });
}

test("each teacher has a cache of its own, which runs of one and of both share, with the same bytes", async (t) => {
  const folder = await prepared(t);
  const notices: string[] = [];
  const hooks = {
    ...silentHooks({ notice: (text) => notices.push(text) }),
    env: { PEFD_CACHE: join(folder, "cache") },
  };
  const run = (teachers: string, changes: Partial<DistillOptions>) =>
    runDistill(taughtBy(folder, teachers, { deterministic: true, epochs: 1, batch_size: 4, ...changes }), hooks);
  const without = await run("ab", { save_dir: join(folder, "without") });
  await run("a", { teacher_cache: true });
  const cached = await run("ab", { teacher_cache: true });
  assert.equal(weightsOf(cached), weightsOf(without));
  if (cached.teacherCache === undefined) {
    t.diagnostic("on this processor a place in the batch changes bits: the cache was left aside");
    return;
  }
  assert.equal(readdirSync(join(folder, "cache/teacher")).length, 2);
  assert.deepEqual(cached.teacherCache, { found: 20, computed: 20 });
});

test("a run records its teachers, and which weights they had, in order", async (t) => {
  const folder = await prepared(t);
  const configOf = async (teachers: string): Promise<RunConfig> => {
    const { runDir } = await runDistill(taughtBy(folder, teachers, { epochs: 1 }), silentHooks());
    const found = readConfig(runDir);
    assert.ok(found.state === "whole");
    if (teachers === "ab") assert.match(basename(runDir), /^S:resnet8_T:resnet8\+resnet8_cifar100_kd_/);
    return found.content;
  };
  const [ab, ba, a] = [await configOf("ab"), await configOf("ba"), await configOf("a")];
  assert.deepEqual(
    ab.path_t,
    ["a", "b"].map((name) => join(folder, `${name}.safetensors`)),
  );
  assert.equal(ab.model_t, "resnet8+resnet8");
  const sums = [ab, ba, a].map(({ identity }) => identity?.teacherSha256);
  assert.equal(new Set(sums).size, 3);
  const verdicts = async () => {
    const findings = await inputFindings(ab, ab.identity as NonNullable<typeof ab.identity>, inputReader());
    return findings.find(({ what }) => what === "teacher's weights")?.verdict;
  };
  assert.equal(await verdicts(), "fits");
  renameSync(join(folder, "a.safetensors"), join(folder, "b.safetensors"));
  await randomTeacher(folder, 100, 5);
  renameSync(join(folder, "teacher.safetensors"), join(folder, "a.safetensors"));
  assert.equal(await verdicts(), "differs");
});

test("the teachers' accuracy is that of the mean of their logits", async (t) => {
  const folder = await prepared(t);
  const notices: string[] = [];
  const hooks = silentHooks({ notice: (text) => notices.push(text) });
  await runDistill(taughtBy(folder, "aa", { teacher_eval: "always", epochs: 1 }), hooks);
  await runDistill(taughtBy(folder, "a", { teacher_eval: "always", epochs: 1 }), hooks);
  const [both, one] = notices.filter((text) => text.includes("test images"));
  assert.equal(both?.replace("Mean of 2 teachers", "Teacher"), one);
});

/** Writes a teacher that says on which data set it was trained. */
async function teacherOf(path: string, dataset: string, classes: number, name = MODEL): Promise<void> {
  const model = buildModel(name, classes, initialFill(name, 1, "teacher"));
  await writeCheckpoint(path, stateDictOf(model.state, 0), { model: name, dataset });
  tf.dispose(variablesOf(model.state));
}

test("teachers of other classes or data sets, and methods that take one teacher, are refused with a sentence", async (t) => {
  const folder = await prepared(t);
  const refused = (changes: Partial<DistillOptions>, teachers: string) =>
    runDistill(taughtBy(folder, teachers, changes), silentHooks());
  await teacherOf(join(folder, "c.safetensors"), "cifar10", 10);
  await assert.rejects(refused({}, "ac"), {
    exitCode: 2,
    message: /The teacher in .*c\.safetensors was trained for 10 classes; cifar100 has 100/,
  });
  await teacherOf(join(folder, "d.safetensors"), "cifar100", 100);
  await teacherOf(join(folder, "e.safetensors"), "tiny-imagenet", 100);
  await assert.rejects(refused({}, "de"), {
    exitCode: 2,
    message: /trained on different data sets: .*d\.safetensors on cifar100, .*e\.safetensors on tiny-imagenet/,
  });
  for (const [distill, beta] of [
    ["crd", 0.8],
    ["kd+crd", [1, 0.8]],
    ["ofd", 1],
  ] as const) {
    await assert.rejects(refused({ distill, beta }, "ab"), {
      exitCode: 2,
      message:
        /^(crd|ofd) takes one teacher: it looks at .*, and several teachers are averaged in their logits only\.$/,
    });
  }
});

test("camkd: teachers of other families, graph is eager bit for bit", async (t) => {
  const folder = await prepared(t);
  const models = ["wrn_16_1", "ShuffleV2", "vgg8"];
  const path_t = models.map((name) => join(folder, `${name}.safetensors`));
  for (const [i, name] of models.entries()) await teacherOf(path_t[i] as string, "cifar100", 100, name);
  const taught = { path_t, model_t: models.join("+"), model_s: "MobileNetV2", distill: "camkd", gamma: 1, beta: 1 };
  const run = (engine: "eager" | "graph") =>
    runDistill(taughtBy(folder, "a", { ...taught, engine, save_dir: join(folder, engine) }), silentHooks());
  assert.equal(weightsOf(await run("graph")), weightsOf(await run("eager")));
});
