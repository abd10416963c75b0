import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { createRandom } from "#pefd/common/random.js";
import type { StateTensor } from "#pefd/common/stateDict.js";
import type { DistillOptions } from "#pefd/config/options.js";
import { CIFAR100 } from "#pefd/data/cifar/row.js";
import { inMemory } from "#pefd/data/dataset.js";
import { assembleTrainBatch } from "#pefd/data/hostBatch.js";
import { readEpochLog } from "#pefd/report/log/epochLog.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { runDistill } from "#pefd/train/distill.js";
import { openFrozen } from "#pefd/train/openModel.js";
import { verifyRun } from "#pefd/verify/verify.js";
import { ROOT } from "../helpers/paths.js";
import { missingPython, PYTHON } from "../helpers/python.js";
import { distillOptions, hooksStoppingAfter, lastWeights, MODEL, prepared, silentHooks } from "./runs.js";

before(() => {
  loadTensorFlow();
});

const float = (shape: readonly number[], values: ArrayLike<number>): StateTensor => ({
  dtype: "F32",
  shape,
  data: new Uint8Array(Float32Array.from(values).buffer),
});

const IMAGES = 14;
const CROPS = 9;
const VARIANTS = 2 * CROPS ** 2;
const MIDDLE = 4;

/** The draws of a view of an image: y, x and flip. */
type DrawsOf = (view: number, image: number) => readonly [number, number, number];

/** Every variant of each image, placed so that a drawn variant finds itself: see guideOf of teacherOutputs.ts. */
const everyVariant: DrawsOf = (view, image) => {
  const variant = (((view - image) % VARIANTS) + VARIANTS) % VARIANTS;
  return [Math.floor(variant / 2 / CROPS), Math.floor(variant / 2) % CROPS, variant % 2];
};

/** The outputs of the folder's teacher for views of all images. */
async function outputsOf(folder: string, views: number, draws: DrawsOf) {
  const dataset = CIFAR100.open(join(folder, "data"));
  const train = inMemory(dataset.train);
  const { model } = await openFrozen(join(folder, "teacher.safetensors"), MODEL, dataset);
  const logits: number[] = [];
  const pooled: number[] = [];
  const drawn: number[] = [];
  for (let view = 0; view < views; view++) {
    const rows = Array.from({ length: IMAGES }, (_, image) => [image, ...draws(view, image)]);
    const { images } = assembleTrainBatch(train, Int32Array.from(rows.flat()));
    tf.tidy(() => {
      const batch = tf.tensor4d(images, [IMAGES, 32, 32, 3]) as Tensor4D;
      const output = model.forward(batch, { training: false, updates: [] });
      logits.push(...output.logits.dataSync());
      pooled.push(...output.pooled.dataSync());
    });
    drawn.push(...rows.flatMap(([, ...draw]) => draw));
  }
  return {
    logits: float([views, IMAGES, 100], logits),
    pooled: float([views, IMAGES, 64], pooled),
    labels: float([IMAGES], train.labels),
    draws: float([views, IMAGES, 3], drawn),
  };
}

async function written(folder: string, tensors: Record<string, StateTensor>, name = "outputs"): Promise<string> {
  const path = join(folder, `${name}.safetensors`);
  await writeCheckpoint(path, new Map(Object.entries(tensors)));
  return path;
}

/** Options of a run by outputs, with a folder of its own for the run. */
const byOutputs = (folder: string, teacher_outputs: string, changes: Partial<DistillOptions> = {}): DistillOptions =>
  distillOptions(folder, {
    path_t: undefined,
    model_t: undefined,
    teacher_outputs,
    batch_size: 4,
    alpha: 0.5,
    learning_rate: 1e-3,
    deterministic: true,
    save_dir: join(folder, "by outputs"),
    ...changes,
  });

const losses = (runDir: string): number[] => readEpochLog(runDir).flatMap(({ train, test }) => [train.loss, test.loss]);

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value / (expected[i] as number) - 1) < 1e-5, `${value} instead of ${expected[i]}`);
  });
}

for (const distill of ["ours", "kd"]) {
  test(`${distill}: outputs of every crop and flip train as the teacher itself does`, async (t) => {
    const folder = await prepared(t, IMAGES);
    const path = await written(folder, await outputsOf(folder, VARIANTS, everyVariant));
    const common = { distill, batch_size: 4, alpha: 0.5, learning_rate: 1e-3, deterministic: true };
    const taught = await runDistill(distillOptions(folder, common), silentHooks());
    const notices: string[] = [];
    const hooks = silentHooks({ notice: (text) => notices.push(text) });
    const guided = await runDistill(byOutputs(folder, path, { distill }), hooks);
    assertClose(losses(guided.runDir), losses(taught.runDir));
    assert.deepEqual(
      notices.filter((text) => text.includes("outputs")),
      [],
    );
    assert.match(guided.runDir, /_T:outputs_cifar100_/);
  });
}

/** Two views of each image, drawn at random. */
function twoViews(): DrawsOf {
  const random = createRandom(1, "two views");
  const draw = () => [random.integer(CROPS), random.integer(CROPS), random.integer(2)] as const;
  const drawn = Array.from({ length: 2 * IMAGES }, draw);
  return (view, image) => drawn[view * IMAGES + image] as (typeof drawn)[number];
}

test("two views: graph equals eager in bytes, and a stopped run ends as one that was not", async (t) => {
  const folder = await prepared(t, IMAGES);
  const path = await written(folder, await outputsOf(folder, 2, twoViews()));
  const runIn = (place: string, changes: Partial<DistillOptions>, hooks = silentHooks()) =>
    runDistill(byOutputs(folder, path, { tb_freq: 1, save_dir: join(folder, place), ...changes }), hooks);
  const { runDir } = await runIn("graph", {});
  const eager = await runIn("eager", { engine: "eager" });
  assert.deepEqual(lastWeights(eager.runDir), lastWeights(runDir));
  await assert.rejects(runIn("stopped", {}, hooksStoppingAfter(2, 2)));
  const resumed = await runIn("stopped", { resume: true });
  assert.deepEqual(lastWeights(resumed.runDir), lastWeights(runDir));
  assert.deepEqual(losses(resumed.runDir), losses(runDir));
});

const middle: DrawsOf = () => [MIDDLE, MIDDLE, 0];

test("one view without draws teaches every view of an image, which a notice says, as it does of labels", async (t) => {
  const folder = await prepared(t, IMAGES);
  const { logits } = await outputsOf(folder, 1, middle);
  const path = await written(folder, { logits: { ...logits, shape: [IMAGES, 100] } }, "my teacher");
  const notices: string[] = [];
  const hooks = silentHooks({ notice: (text) => notices.push(text) });
  const { runDir } = await runDistill(byOutputs(folder, path, { distill: "kd" }), hooks);
  assert.deepEqual(notices.slice(0, 2), [
    "my teacher.safetensors has no labels, so the order of its images is not checked.",
    "my teacher.safetensors has no draws: its outputs are taken for every augmented view of an image.",
  ]);
  assert.match(runDir, /_T:my_teacher_/);
});

test("another file is another run, for --resume and for verify", async (t) => {
  const folder = await prepared(t, IMAGES);
  const outputs = await outputsOf(folder, 1, middle);
  const path = await written(folder, outputs);
  const { runDir } = await runDistill(byOutputs(folder, path), silentHooks());
  const verdict = async () =>
    (await verifyRun(runDir)).findings.find(({ what }) => what === "teacher's outputs")?.verdict;
  assert.equal(await verdict(), "fits");
  await written(folder, { ...outputs, logits: float([1, IMAGES, 100], new Float32Array(IMAGES * 100)) });
  assert.equal(await verdict(), "differs");
  await assert.rejects(runDistill(byOutputs(folder, path, { resume: true, epochs: 3 }), silentHooks()), {
    exitCode: 2,
    message: /cannot be resumed as another run/,
  });
});

type Outputs = Awaited<ReturnType<typeof outputsOf>>;

const REFUSED: Readonly<Record<string, [(outputs: Outputs) => Record<string, StateTensor>, RegExp]>> = {
  "no outputs": [({ labels }) => ({ labels }), /has neither logits nor pooled\.$/],
  "fewer images": [
    () => ({ logits: float([3, 100], new Float32Array(300)) }),
    /has logits of 3 images; the training file has 14\.$/,
  ],
  "a vector": [() => ({ logits: float([14], new Float32Array(14)) }), /has logits of shape \[14\]; .* fits\.$/],
  "other classes": [
    () => ({ logits: float([14, 10], new Float32Array(140)) }),
    /has 10 logits per image; cifar100 has 100 classes\.$/,
  ],
  NaN: [() => ({ logits: float([14, 100], new Float32Array(1400).fill(Number.NaN)) }), /no finite numbers\.$/],
  "another order": [
    ({ labels, ...rest }) => ({ ...rest, labels: float([14], new Float32Array(14).fill(99)) }),
    /is in another order than cifar100: image \d+ has label 99 there, and \d+ in the training file\.$/,
  ],
  "fewer labels": [
    ({ labels, ...rest }) => ({ ...rest, labels: float([1], [0]) }),
    /has 1 label; the training file has 14\.$/,
  ],
  "other views": [
    ({ pooled, ...rest }) => ({ ...rest, pooled: { ...pooled, shape: [2, 14, 32] } }),
    /has other views of logits than of pooled\.$/,
  ],
  "views without draws": [
    () => ({ logits: float([2, 14, 100], new Float32Array(2800)) }),
    /has 2 views and no draws, so what each one shows is not known\.$/,
  ],
  "fewer draws": [
    ({ draws, ...rest }) => ({ ...rest, draws: float([14, 2], new Float32Array(28)) }),
    /has draws of shape \[14, 2\] instead of \[1, 14, 3\]\.$/,
  ],
  "a crop outside": [
    ({ draws, ...rest }) => ({ ...rest, draws: float([1, 14, 3], new Float32Array(42).fill(9)) }),
    /has the draw 9; crops start at 0 to 8, and flips are 0 or 1\.$/,
  ],
};

test("files that do not fit the images are refused with what is wrong", async (t) => {
  const folder = await prepared(t, IMAGES);
  const outputs = await outputsOf(folder, 1, middle);
  for (const [name, [changed, message]] of Object.entries(REFUSED)) {
    const path = await written(folder, changed(outputs), name);
    const refused = { exitCode: 2, message, hint: /docs\/recipes\.md/ };
    await assert.rejects(runDistill(byOutputs(folder, path, { distill: "kd" }), silentHooks()), refused, name);
  }
  const noise = join(folder, "bad.safetensors");
  writeFileSync(
    noise,
    Uint8Array.from({ length: 4000 }, (_, i) => (i * 151) % 251),
  );
  await assert.rejects(runDistill(byOutputs(folder, noise), silentHooks()), { exitCode: 2 });
});

test("methods that look at more than a file can have are refused before the first step", async (t: TestContext) => {
  const folder = await prepared(t, IMAGES);
  const { pooled: _, ...logitsOnly } = await outputsOf(folder, 1, middle);
  const path = await written(folder, logitsOnly);
  const all = await written(folder, await outputsOf(folder, 1, middle), "all");
  for (const [file, distill, message] of [
    [path, "ours", /has no pooled, which ours looks at\.$/],
    [all, "similarity", /^similarity looks at the teacher's .*; --teacher_outputs has logits and pooled/],
    [all, "mlld", /^mlld looks at strong views of the images, none of which is ever seen twice; --teacher_outputs/],
    [all, "srrl", /reads the teacher's weights, and --teacher_outputs has its outputs only\.$/],
  ] as const) {
    await assert.rejects(runDistill(byOutputs(folder, file, { distill }), silentHooks()), { exitCode: 2, message });
  }
  await assert.rejects(runDistill(byOutputs(folder, all, { mixup: 0.2 }), silentHooks()), {
    exitCode: 2,
    message: /^--teacher_outputs has the teacher's outputs for single images, and --mixup and --cutmix mix two\.$/,
  });
});

test("examples/dump-teacher.py writes what the same teacher computes here, and a run takes it", {
  skip: missingPython("torch", "numpy", "safetensors"),
}, async (t) => {
  const folder = await prepared(t, IMAGES);
  const code = join(folder, "teachers.py");
  writeFileSync(
    code,
    [
      "import importlib.util",
      `spec = importlib.util.spec_from_file_location("bench", ${JSON.stringify(join(ROOT, "scripts/bench-pytorch.py"))})`,
      "bench = importlib.util.module_from_spec(spec)",
      "spec.loader.exec_module(bench)",
      'resnet8 = lambda: bench.build("resnet8")',
    ].join("\n"),
  );
  const path = join(folder, "dumped.safetensors");
  const words = [`${code}:resnet8`, "--weights", join(folder, "teacher.safetensors"), "--data", join(folder, "data")];
  const script = join(ROOT, "examples/dump-teacher.py");
  const env = { ...process.env, PYTHONPATH: join(ROOT, "scripts"), PYTHONDONTWRITEBYTECODE: "1" };
  const ended = spawnSync(PYTHON, [script, ...words, "--views", "3", "--out", path], { encoding: "utf8", env });
  assert.equal(ended.status, 0, ended.stderr);
  const { state } = await readCheckpoint(path);
  const valuesOf = (name: string) => toFloat32(state.get(name) as StateTensor);
  const draws = valuesOf("draws");
  const expected = await outputsOf(folder, 3, (view, image) => {
    const from = (view * IMAGES + image) * 3;
    return [...draws.subarray(from, from + 3)] as [number, number, number];
  });
  for (const name of ["logits", "pooled"] as const) {
    const [theirs, ours] = [valuesOf(name), toFloat32(expected[name])];
    const scale = Math.max(...ours.map(Math.abs));
    assert.equal(theirs.length, ours.length);
    for (const [i, value] of theirs.entries()) assert.ok(Math.abs(value - (ours[i] as number)) < 1e-4 * scale, name);
  }
  const { runDir } = await runDistill(byOutputs(folder, path), silentHooks());
  assert.equal(losses(runDir).length, 4);
});
