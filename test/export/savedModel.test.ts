import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { normalizationTable } from "#pefd/data/normalize.js";
import { exportSavedModel } from "#pefd/export/exportSavedModel.js";
import { buildModel, initialFill } from "#pefd/models/build.js";
import { loadTensorFlow, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { loadState, stateDictOf } from "#pefd/train/files/stateFiles.js";
import { formulaState } from "../helpers/formula.js";
import { pefd } from "../helpers/pefd.js";
import { missingPython, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

/** Image sizes and widths, a depthwise convolution and a ReLU6: what may go wrong differs by family. */
const NAMES = ["resnet8x4", "vgg8", "MobileNetV2", "ShuffleV1", "wrn_16_1"];
const IMAGES = 3;
const OUTPUTS = ["logits", "probabilities", "features"] as const;
const BYTES = Uint8Array.from({ length: IMAGES * 32 * 32 * 3 }, (_, i) => (i * 37 + (i >> 5)) % 256);

before(() => loadTensorFlow());

/** [IMAGES, 32, 32, 3] normalised as training and evaluation do. */
function normalizedImages(): Tensor4D {
  const table = normalizationTable(CIFAR100_FORMAT.normalization);
  const values = Float32Array.from(BYTES, (byte, i) => table[byte * 3 + (i % 3)] as number);
  return tf.tensor4d(values, [IMAGES, 32, 32, 3]);
}

/** What the model itself computes. */
function expectedOutputs(name: string): Record<string, Float32Array> {
  const model = buildModel(name, 100, "zeros");
  loadState(model.state, formulaState(name), { path: "formula", modelName: name });
  const { logits, pooled } = model.forward(normalizedImages(), { training: false, updates: [] });
  const outputs = { logits, probabilities: tf.softmax(logits), features: pooled };
  return Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, value?.dataSync() as Float32Array]));
}

async function exported(t: TestContext, name: string): Promise<string> {
  const folder = join(temporaryFolder(t), name);
  const state = formulaState(name);
  await exportSavedModel(folder, { path: "formula", model: name, state, metadata: { epoch: 3 } }, {});
  return folder;
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, what: string): void {
  assert.equal(actual.length, expected.length, what);
  const largest = Math.max(...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) {
    const difference = Math.abs((actual[i] as number) - (expected[i] as number));
    assert.ok(difference <= 1e-5 * largest + 1e-6, `${what}[${i}]: ${actual[i]}, ${expected[i]}`);
  }
}

for (const name of NAMES) {
  test(`${name} as a SavedModel computes what the model computes, for a batch of any size`, async (t) => {
    const folder = await exported(t, name);
    const expected = expectedOutputs(name);
    const loaded = await tf.node.loadSavedModel(folder, ["serve"], "serving_default");
    const images = normalizedImages();
    const outputs = loaded.predict({ images }) as unknown as Record<string, Tensor4D>;
    for (const key of OUTPUTS) {
      assertClose(outputs[key]?.dataSync() ?? [], expected[key] as Float32Array, key);
    }
    const one = loaded.predict({ images: tf.slice(images, 0, 1) }) as unknown as typeof outputs;
    assert.deepEqual(one.logits?.shape, [1, 100]);
    loaded.dispose();
  });
}

test("a model for ImageNet takes images of its size, raw ones by ImageNet's normalisation", async (t) => {
  const folder = join(temporaryFolder(t), "MobileNet");
  const model = buildModel("MobileNet", 1000, initialFill("MobileNet", 1, "student"));
  const state = stateDictOf(model.state, 0);
  await exportSavedModel(folder, { path: "random", model: "MobileNet", state, metadata: {} }, {});
  const pixels = tf.randomUniform([1, 224, 224, 3], 0, 256, "int32", 1) as Tensor4D;
  const scaled = tf.div(tf.cast(pixels, "float32"), 255);
  const images = tf.div<Tensor4D>(tf.sub(scaled, [0.485, 0.456, 0.406]), [0.229, 0.224, 0.225]);
  const { logits } = model.forward(images, { training: false, updates: [] });
  assert.deepEqual(logits.shape, [1, 1000]);
  for (const [signature, input] of [
    ["serving_default", images],
    ["serving_uint8", pixels],
  ] as const) {
    const loaded = await tf.node.loadSavedModel(folder, ["serve"], signature);
    const outputs = loaded.predict({ images: input }) as unknown as Record<string, Tensor4D>;
    assertClose(outputs.logits?.dataSync() ?? [], logits.dataSync(), signature);
    loaded.dispose();
  }
});

const python = missingPython("tensorflow", "numpy");

const LOAD = `
import json, sys, numpy, tensorflow as tf
model = tf.saved_model.load(sys.argv[1])
images = numpy.frombuffer(open(sys.argv[2], 'rb').read(), numpy.uint8).reshape(-1, 32, 32, 3)
result = model.signatures['serving_uint8'](images=tf.constant(images))
mean, std = numpy.float32([0.5071, 0.4867, 0.4408]), numpy.float32([0.2675, 0.2565, 0.2761])
floats = (images.astype(numpy.float32) / numpy.float32(255) - mean) / std
other = model.signatures['serving_default'](images=tf.constant(floats))
print(json.dumps({name: [x[name].numpy().ravel().tolist() for x in (result, other)] for name in result}))
`;

test("Python's TensorFlow runs both signatures", { skip: python }, async (t) => {
  const folder = await exported(t, "resnet8x4");
  const images = join(temporaryFolder(t), "images.bin");
  writeFileSync(images, BYTES);
  const printed = runPython(LOAD, [folder, images]).trim().split("\n").at(-1) as string;
  const outputs = JSON.parse(printed) as Record<string, [number[], number[]]>;
  const expected = expectedOutputs("resnet8x4");
  assert.deepEqual(Object.keys(outputs).sort(), [...OUTPUTS].sort());
  for (const key of OUTPUTS) {
    const [raw, normalized] = outputs[key] as [number[], number[]];
    assertClose(raw, expected[key] as Float32Array, `${key} of uint8`);
    assertClose(normalized, expected[key] as Float32Array, key);
  }
});

test("there and back through a SavedModel, every bit is the same", async (t) => {
  const cwd = temporaryFolder(t);
  const state = formulaState("resnet8x4");
  await writeCheckpoint(join(cwd, "a.pth"), state, { model: "resnet8x4", epoch: 3 });
  for (const line of [
    "convert a.pth served/",
    "convert served b.safetensors",
    "convert served c.pth",
    "convert c.pth again/",
    "convert again d.pth",
  ]) {
    const { exitCode, stderr } = await pefd(line.split(" "), { cwd });
    assert.deepEqual([exitCode, stderr], [0, ""], line);
  }
  for (const file of ["served", "b.safetensors", "c.pth", "again", "d.pth"]) {
    const back = await readCheckpoint(join(cwd, file));
    assert.deepEqual([...back.state.keys()], [...state.keys()], file);
    for (const [name, { dtype, shape, data }] of state) {
      const found = back.state.get(name);
      assert.deepEqual([found?.dtype, found?.shape], [dtype, shape], name);
      assert.ok(Buffer.from(data).equals(found?.data as Uint8Array), `${file}: ${name}`);
    }
    assert.equal(back.metadata.epoch, 3);
  }
});

test("only a SavedModel is replaced, and only with --force", async (t) => {
  const cwd = temporaryFolder(t);
  await writeCheckpoint(join(cwd, "a.safetensors"), formulaState("resnet8x4"));
  mkdirSync(join(cwd, "mine"));
  writeFileSync(join(cwd, "mine/letter.txt"), "dear");
  const convert = (to: string, ...flags: string[]) =>
    pefd(["convert", "a.safetensors", to, "--model", "resnet8x4", ...flags], { cwd });
  assert.match((await convert("mine/")).stderr, /mine\/ already exists[\s\S]*--force/);
  assert.match((await convert("mine/", "--force")).stderr, /is not a SavedModel/);
  assert.equal(readFileSync(join(cwd, "mine/letter.txt"), "utf8"), "dear");
  assert.equal((await convert("v1.0", "--to", "savedmodel")).exitCode, 0);
  writeFileSync(join(cwd, "v1.0/old.txt"), "");
  assert.equal((await convert("v1.0", "--to", "savedmodel", "--force")).exitCode, 0);
  assert.ok(!existsSync(join(cwd, "v1.0/old.txt")));
  assert.deepEqual(readdirSync(cwd).sort(), ["a.safetensors", "mine", "v1.0"]);
});

test("a SavedModel that cannot be made or read says why, and leaves nothing", async (t) => {
  const cwd = temporaryFolder(t);
  await writeCheckpoint(join(cwd, "a.safetensors"), formulaState("resnet8x4"));
  const ended = async (line: string) => {
    const { exitCode, stderr } = await pefd(line.split(" "), { cwd });
    assert.equal(exitCode, 2, line);
    return stderr;
  };
  assert.match(await ended("convert a.safetensors served"), /model of a\.safetensors[\s\S]*--model/);
  assert.match(await ended("convert a.safetensors served --model vgg8"), /does not hold the tensors of vgg8/);
  assert.match(
    await ended("convert a.safetensors no/where/ --model resnet8x4"),
    /where.* could not be written: its folder does not exist/,
  );
  assert.deepEqual(readdirSync(cwd), ["a.safetensors"]);
  const source = { path: "formula", model: "resnet8x4", metadata: {} };
  const state = formulaState("resnet8x4");
  await exportSavedModel(join(cwd, "foreign"), { ...source, state }, {});
  rmSync(join(cwd, "foreign/assets.extra"), { recursive: true });
  assert.match(await ended("convert foreign b.pth"), /was not written by pefd convert/);
});
