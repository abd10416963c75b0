import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { createRandom } from "#pefd/common/random.js";
import type { DistillOptions } from "#pefd/config/options.js";
import type { ImageFormat } from "#pefd/data/dataset.js";
import { METHODS } from "#pefd/distill/registry.js";
import { datasetInMemory } from "#pefd/plugin/index.js";
import { registerPlugin } from "#pefd/plugin/load.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import type { Hooks, RunResult } from "#pefd/train/files/result.js";
import { spreadOf, tellRest, withMany } from "../../helpers/matrices.js";
import { lacksBfloat16 } from "../../helpers/processor.js";
import { temporaryFolder } from "../../helpers/temporaryFolder.js";
import { distillOptions, hooksStoppingAfter, prepared, randomTeacher, silentHooks } from "../runs.js";

before(() => {
  loadTensorFlow();
});

/** Five whole batches of four and a short one of two. */
const IMAGES = 22;
const WHOLE = 20;

/** Runs a distillation with a folder of its own for the run, and one cache for all. */
function runner(folder: string, common: Partial<DistillOptions>, cache: string = join(folder, "cache")) {
  const run = async (name: string, changes: Partial<DistillOptions>, hooks: Hooks) => {
    const save_dir = join(folder, name);
    const options = distillOptions(folder, { batch_size: 4, ...common, ...changes, save_dir });
    return runDistill(options, { ...hooks, env: { PEFD_CACHE: cache } });
  };
  return (name: string, changes: Partial<DistillOptions> = {}, hooks = silentHooks()) => run(name, changes, hooks);
}

const CACHED = { teacher_cache: true };

const lastWeights = ({ runDir }: RunResult): Buffer => readFileSync(join(runDir, "resnet8_last.safetensors"));

const losses = ({ runDir }: RunResult): number[] =>
  readEpochLog(runDir).flatMap(({ train, test }) => [train.loss, test.loss]);

/** Bytes are promised where a place in the batch does not matter; elsewhere the cache says that it is not used. */
function assertUsed(t: TestContext, { teacherCache }: RunResult): boolean {
  if (teacherCache !== undefined) return true;
  t.diagnostic("on this processor a place in the batch changes bits: the cache was left aside");
  return false;
}

const methods = spreadOf(METHODS.names(), 6, 16);
for (const distill of methods.cases) {
  test(`${distill}: a run with the cache, cold and warm, ends with the bytes of one without`, async (t) => {
    const folder = await prepared(t, IMAGES);
    // A rate at which no method diverges on teachers and images made of noise.
    const common = { distill, deterministic: true, alpha: 0.5, epochs: 1, learning_rate: 1e-3 };
    const run = runner(folder, common);
    const without = await run("without");
    const cold = await run("cold", CACHED);
    const warm = await run("warm", CACHED);
    for (const result of [cold, warm]) {
      assert.deepEqual(lastWeights(result), lastWeights(without));
      assert.deepEqual(losses(result), losses(without));
    }
    assert.equal("teacherCache" in without, false);
    if (!assertUsed(t, cold)) return;
    assert.deepEqual(warm.teacherCache, { found: WHOLE, computed: 0 });
    assert.deepEqual(cold.teacherCache, { found: 0, computed: WHOLE });
  });
}

tellRest(methods.rest);

test("eager: the same bytes with the cache", async (t) => {
  const folder = await prepared(t, IMAGES);
  const run = runner(folder, { engine: "eager", deterministic: true, epochs: 1 });
  const without = await run("without");
  assert.deepEqual(lastWeights(await run("cold", CACHED)), lastWeights(without));
  assert.deepEqual(lastWeights(await run("warm", CACHED)), lastWeights(without));
});

const XLA = "xla: the same curve within rounding, and a warm cache ends where a cold one did";
test(XLA, { skip: withMany }, async (t) => {
  const folder = await prepared(t, IMAGES);
  const run = runner(folder, { engine: "xla", deterministic: true, epochs: 1, distill: "kd" });
  const without = await run("without");
  const cold = await run("cold", CACHED);
  losses(cold).forEach((loss, i) => {
    const expected = losses(without)[i] as number;
    assert.ok(Math.abs(loss / expected - 1) < 1e-5, `${loss} instead of ${expected}`);
  });
  const warm = await run("warm", CACHED);
  assert.deepEqual(lastWeights(warm), lastWeights(cold));
  if (assertUsed(t, warm)) assert.deepEqual(warm.teacherCache, { found: WHOLE, computed: 0 });
});

test("bfloat16: a warm cache ends where a cold one did", { skip: lacksBfloat16 }, async (t) => {
  const folder = await prepared(t, IMAGES);
  const run = runner(folder, { precision: "bfloat16", epochs: 1, deterministic: true });
  const cold = await run("cold", CACHED);
  assert.deepEqual(lastWeights(await run("warm", CACHED)), lastWeights(cold));
});

test("--deterministic gives the same bytes with every size of batch", async (t) => {
  const folder = await prepared(t, IMAGES);
  // Of eight images the last one's outputs may have bits of their own; then the cache is left aside.
  const run = runner(folder, { deterministic: true, batch_size: 8, epochs: 1 });
  assert.deepEqual(lastWeights(await run("cold", CACHED)), lastWeights(await run("without")));
});

test("a stopped run goes on alike with and without the flag", async (t) => {
  const folder = await prepared(t, IMAGES);
  const run = runner(folder, { deterministic: true });
  const whole = await run("whole");
  for (const [first, then] of [
    [true, false],
    [false, true],
  ] as const) {
    const name = `${first}`;
    const stopping = hooksStoppingAfter(2, 2);
    await assert.rejects(run(name, { teacher_cache: first, tb_freq: 1 }, stopping), {
      message: "stopped",
    });
    const resumed = await run(name, { teacher_cache: then, resume: true });
    assert.deepEqual(lastWeights(resumed), lastWeights(whole));
  }
});

test("other seeds and a part of the images share what is there; another teacher does not", async (t) => {
  const folder = await prepared(t, IMAGES);
  const run = runner(folder, { epochs: 1 });
  await run("all", CACHED);
  const folders = () => readdirSync(join(folder, "cache/teacher"));
  await run("other seed", { ...CACHED, trial: 2 });
  await run("part", { ...CACHED, limit_train: 12 });
  await run("other method", { ...CACHED, distill: "kd" });
  assert.equal(folders().length, 1);
  const files = readdirSync(join(folder, "cache/teacher", folders()[0] as string));
  assert.deepEqual(files.sort(), ["features.bin", "key.json", "logits.bin"]);
  await run("other batches", { ...CACHED, batch_size: 5 });
  assert.equal(folders().length, 2);
  await randomTeacher(folder, 100, 4);
  await run("other teacher", CACHED);
  assert.equal(folders().length, 3);
});

test("a sum of methods: what both look at is kept, and the bytes are those of a run without", async (t) => {
  const folder = await prepared(t, IMAGES);
  const common = { distill: "crd+kd", beta: [0.8, 1], deterministic: true, learning_rate: 1e-3 };
  const run = runner(folder, { ...common, epochs: 1 });
  const without = await run("without");
  const [cold, warm] = [await run("cold", CACHED), await run("warm", CACHED)];
  for (const result of [cold, warm]) assert.deepEqual(lastWeights(result), lastWeights(without));
  if (assertUsed(t, warm)) assert.deepEqual(warm.teacherCache, { found: WHOLE, computed: 0 });
  const [kept] = readdirSync(join(folder, "cache/teacher"));
  const files = readdirSync(join(folder, "cache/teacher", kept as string));
  assert.deepEqual(files.sort(), ["features.bin", "key.json", "logits.bin"]);
});

test("maps are left aside with what they would take, and the run goes on", async (t) => {
  const folder = await prepared(t, IMAGES);
  const notices: string[] = [];
  const run = runner(folder, { ...CACHED, epochs: 1, distill: "kd+hint", beta: [1, 100] });
  const result = await run("maps", {}, silentHooks({ notice: (text) => notices.push(text) }));
  assert.equal(result.teacherCache, undefined);
  // 22 images, 162 crops, 100 logits and a map of 16 x 16 x 32.
  const told =
    /^--teacher_cache is not used here: .* logits, map2, which would take 0\.1 GB .* GB of the disk are free/;
  assert.match(notices.join("\n"), told);
});

test("a cache of no use is said and left aside", async (t) => {
  const folder = await prepared(t, IMAGES);
  const notices: string[] = [];
  const hooks = silentHooks({ notice: (text) => notices.push(text) });
  const run = runner(folder, { ...CACHED, epochs: 1 });
  await run("no whole batch", { batch_size: 64 }, hooks);
  await run("labels alone", { alpha: 0, beta: 0 }, hooks);
  const said = notices.filter((text) => text.includes("--teacher_cache is not used here"));
  assert.match(said[0] as string, /no whole batch/);
  assert.match(said[1] as string, /does not look at the teacher/);
});

test("a cache folder that cannot be made ends the run before its first step, with what to do", async (t) => {
  const folder = await prepared(t, IMAGES);
  const before = tf.memory().numTensors;
  const run = runner(folder, CACHED, join(folder, "teacher.safetensors"));
  await assert.rejects(run("run"), {
    exitCode: 3,
    message: /teacher's outputs cannot be kept in/,
    hint: /PEFD_CACHE/,
  });
  assert.equal(tf.memory().numTensors, before);
});

test("how much the cache brought is told at the end, and nothing is left in memory", async (t) => {
  const folder = await prepared(t, IMAGES);
  const run = runner(folder, { ...CACHED, epochs: 1 });
  const tensors = new Set<number>();
  const counting = silentHooks({ stepDone: () => tensors.add(tf.memory().numTensors) });
  await run("cold", { epochs: 2, tb_freq: 1 }, counting);
  assert.equal(tensors.size, 1, [...tensors].join());
  const notices: string[] = [];
  const before = tf.memory().numTensors;
  await run("warm", {}, silentHooks({ notice: (text) => notices.push(text) }));
  assert.equal(tf.memory().numTensors, before);
  assert.match(notices[0] as string, /^Teacher cache: .*resnet8-[0-9a-f]{16} \(grows to \d+\.\d GB/);
  assert.equal(notices.at(-1), "Teacher cache: outputs of 20 images found, of 0 computed.");
});

/** The same images under another name, shown otherwise. */
function noise(name: string, changes: Partial<Pick<ImageFormat, "normalization">> & { padding?: number }) {
  const { padding = 2, ...others } = changes;
  const part = (count: number, purpose: string) => {
    const random = createRandom(1, "noise", purpose);
    return {
      images: Uint8Array.from({ length: count * 3072 }, () => random.integer(256)),
      labels: Uint8Array.from({ length: count }, (_, i) => i % 4),
    };
  };
  return datasetInMemory({
    name,
    title: "Noise",
    classNames: ["a", "b", "c", "d"],
    format: {
      height: 32,
      width: 32,
      channels: 3,
      normalization: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
      augmentation: { kind: "shift", padding },
      ...others,
    },
    read: () => ({ train: part(IMAGES, "train"), test: part(8, "test") }),
  });
}

test("images that are normalised or shifted otherwise, or come from a changed plug-in, find nothing", async (t) => {
  const folder = temporaryFolder(t);
  await randomTeacher(folder, 4);
  const brighter = { mean: [0.1, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] } as const;
  const sets = [
    noise("noise", {}),
    noise("noise-brighter", { normalization: brighter }),
    noise("noise-shifted", { padding: 4 }),
  ];
  registerPlugin(join(folder, "noise.mjs"), "a".repeat(64), { datasets: sets });
  registerPlugin(join(folder, "changed.mjs"), "b".repeat(64), {
    datasets: [noise("noise-changed", {})],
  });
  const run = runner(folder, { epochs: 1, deterministic: true });
  const names = [...sets.map(({ name }) => name), "noise-changed"];
  for (const dataset of names) {
    const cold = await run("cold", { ...CACHED, dataset });
    assert.deepEqual(lastWeights(cold), lastWeights(await run("without", { dataset })), dataset);
    if (!assertUsed(t, cold)) return;
    assert.deepEqual(cold.teacherCache, { found: 0, computed: WHOLE }, dataset);
  }
  const folders = readdirSync(join(folder, "cache/teacher"));
  assert.equal(folders.length, names.length);
});
