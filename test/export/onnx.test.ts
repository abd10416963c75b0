import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, type TestContext, test } from "node:test";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { ANY_SIZE, recordForward } from "#pefd/compile/record/forwardGraph.js";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import type { ImagesInMemory } from "#pefd/data/dataset.js";
import { onnxFile } from "#pefd/export/exportOnnx.js";
import { recordModel } from "#pefd/export/exportSavedModel.js";
import { onnxGraph } from "#pefd/export/onnxGraph.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { buildModel } from "#pefd/models/build.js";
import { MODELS } from "#pefd/models/registry.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { formulaState } from "../helpers/formula.js";
import { spreadOf, tellRest } from "../helpers/matrices.js";
import { pefd } from "../helpers/pefd.js";
import { saturatesInt8 } from "../helpers/processor.js";
import { missingPython, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { assertClose, bytesFor, expectedOutputs, IMAGES, OUTPUTS, sideOf, stateOf } from "./outputs.js";

before(() => loadTensorFlow());

for (const { name } of MODELS.rows()) {
  test(`${name} in ONNX: every input of a node is there before it, every result has one name`, () => {
    const side = sideOf(name);
    const model = buildModel(name, 7, "zeros", side);
    const shape = [side, side, 3];
    const { nodes, constants, inputs, outputs } = onnxGraph(recordModel(model, shape), { shape }, OUTPUTS);
    tf.dispose(variablesOf(model.state));
    const known = new Set([...constants.keys(), ...inputs.map((port) => port.name)]);
    for (const node of nodes) {
      for (const input of node.inputs) assert.ok(known.has(input), `${node.op} reads ${input}`);
      for (const output of node.outputs) assert.ok(!known.has(output), `${output} is there twice`);
      for (const output of node.outputs) known.add(output);
    }
    assert.deepEqual(
      [...inputs, ...outputs].map((port) => [port.name, port.shape.length, port.shape[0]]),
      [
        ["images", 4, "batch"],
        ["logits", 2, "batch"],
        ["probabilities", 2, "batch"],
        ["features", 2, "batch"],
      ],
    );
    assert.deepEqual(
      [inputs[0]?.shape, outputs[0]?.shape],
      [
        ["batch", 3, side, side],
        ["batch", 7],
      ],
    );
    const used = new Set([...nodes.flatMap((node) => node.inputs)]);
    assert.deepEqual(
      [...constants.keys()].filter((constant) => !used.has(constant)),
      [],
    );
  });
}

test("an op without a mapping is named, with the line that calls it", () => {
  const forward = recordForward({
    prefix: "plugin",
    inputShape: [4],
    weights: new Map(),
    outputNames: ["logits"],
    outputs: (batch) => ({ logits: tf.cumsum(batch, 1) }),
  });
  assert.deepEqual(forward.input.shape, [ANY_SIZE, 4]);
  assert.throws(
    () => onnxGraph(forward, { shape: [1, 1, 4] }, ["logits"]),
    /op Cumsum has no mapping to ONNX \(.*onnx\.test/,
  );
});

/** The generated images as a data set. */
function imagesFor(side: number): ImagesInMemory {
  const format = { ...CIFAR100_FORMAT, height: side, width: side };
  return { kind: "memory", ...format, images: bytesFor(side), labels: new Uint8Array(IMAGES), count: IMAGES };
}

interface Wanted {
  readonly withPreprocessing?: boolean;
  readonly int8?: boolean;
}

async function exported(t: TestContext, name: string, { withPreprocessing = false, int8 }: Wanted): Promise<string> {
  const file = join(temporaryFolder(t), `${name}.onnx`);
  const state = stateOf(name);
  const calibration = int8 ? imagesFor(sideOf(name)) : undefined;
  const settings = { classes: ["a", "b"], withPreprocessing, calibration, version: "1.2.3" };
  writeFileSync(file, onnxFile({ path: "formula", model: name, state, metadata: {} }, settings, {}));
  return file;
}

const RUN = `
import json, sys, numpy, onnx, onnxruntime
file, images, out = sys.argv[1:]
onnx.checker.check_model(onnx.load(file), full_check=True)
session = onnxruntime.InferenceSession(file, providers=['CPUExecutionProvider'])
info = session.get_modelmeta().custom_metadata_map
(given,) = session.get_inputs()
raw = numpy.fromfile(images, numpy.uint8)
side = int(info['image_size'])
raw = raw.reshape(-1, side, side, 3)
if given.type != 'tensor(uint8)':
    floats = raw.astype(numpy.float32) / numpy.float32(255)
    mean, deviation = (numpy.float32(json.loads(info[key])) for key in ('mean', 'deviation'))
    raw = numpy.ascontiguousarray(((floats - mean) / deviation).transpose(0, 3, 1, 2))
names = [port.name for port in session.get_outputs()]
whole = session.run(None, {given.name: raw})
first = session.run(None, {given.name: raw[:1]})
assert all(len(one) == 1 for one in first)
json.dump({'names': names, 'outputs': {n: v.ravel().tolist() for n, v in zip(names, whole)}, 'info': info}, open(out, 'w'))
`;

interface Ran {
  readonly names: readonly string[];
  readonly outputs: Readonly<Record<string, readonly number[]>>;
  readonly info: Readonly<Record<string, string>>;
}

async function ran(t: TestContext, name: string, wanted: Wanted = {}): Promise<Ran> {
  const file = await exported(t, name, wanted);
  const [images, out] = ["images.bin", "out.json"].map((each) => join(temporaryFolder(t), each)) as [string, string];
  writeFileSync(images, bytesFor(sideOf(name)));
  runPython(RUN, [file, images, out]);
  return JSON.parse(readFileSync(out, "utf8")) as Ran;
}

const python = missingPython("onnx", "onnxruntime", "numpy");

// Of each family one, in the order of the registry.
const { cases, rest } = spreadOf(MODELS.rows(), 10);
tellRest(python === false ? rest : []);
for (const { name } of cases) {
  test(`${name} in ONNX Runtime computes what the model computes`, { skip: python }, async (t) => {
    assertClose((await ran(t, name)).outputs, expectedOutputs(name));
  });
}

/** The L2 norm of the error over that of the logits. */
function logitsError({ outputs }: Ran, expected: Readonly<Record<string, Float32Array>>): number {
  const [found, wanted] = [outputs.logits as readonly number[], [...(expected.logits as Float32Array)]];
  const errors = wanted.map((value, i) => value - (found[i] as number));
  return Math.hypot(...errors) / Math.hypot(...wanted);
}

/** Relative to the logits; the tokens of transformers have larger outliers than maps behind a batch normalisation. */
const INT8_ERROR = 0.05;
const INT8_ERROR_OF_TOKENS = 0.08;

const quantized = spreadOf(MODELS.rows(), 8);
tellRest(python === false ? quantized.rest : []);
for (const { name, patch } of quantized.cases) {
  test(`${name} in int8 computes nearly what the model computes`, { skip: python || saturatesInt8 }, async (t) => {
    const error = logitsError(await ran(t, name, { int8: true }), expectedOutputs(name));
    t.diagnostic(`${name}: ${error}`);
    assert.ok(error < (patch === undefined ? INT8_ERROR : INT8_ERROR_OF_TOKENS), `${error}`);
  });
}

test("int8 takes bytes, too", { skip: python }, async (t) => {
  const found = await ran(t, "resnet8", { int8: true, withPreprocessing: true });
  assert.ok(logitsError(found, expectedOutputs("resnet8")) < 0.05);
  assert.equal(found.info.calibration_images, `${IMAGES}`);
});

test("with its preprocessing an ONNX file takes bytes; metadata says what it is", { skip: python }, async (t) => {
  const found = await ran(t, "resnet8x4", { withPreprocessing: true });
  assertClose(found.outputs, expectedOutputs("resnet8x4"));
  assert.deepEqual(found.names, ["probabilities", "logits", "features"]);
  const { pefd_version, model, classes, preprocessing } = found.info;
  assert.deepEqual([pefd_version, model, classes, preprocessing], ["1.2.3", "resnet8x4", '["a","b"]', "inside"]);
});

test("pefd convert writes ONNX by its ending, and replaces it only with --force", async (t) => {
  const cwd = temporaryFolder(t);
  await writeCheckpoint(join(cwd, "a.safetensors"), formulaState("resnet8x4"), { model: "resnet8x4" });
  const convert = (...words: string[]) => pefd(["convert", "a.safetensors", "a.onnx", ...words], { cwd });
  const { exitCode, stdout } = await convert();
  assert.deepEqual([exitCode, /in a\.onnx/.test(stdout)], [0, true]);
  const bytes = readFileSync(join(cwd, "a.onnx"));
  for (const word of ["Conv", "BatchNormalization", "pefd_version", "resnet8x4"]) assert.ok(bytes.includes(word), word);
  assert.equal((await convert()).exitCode, 2);
  assert.equal((await convert("--force", "--with_preprocessing")).exitCode, 0);
  assert.ok(readFileSync(join(cwd, "a.onnx")).includes("probabilities"));
});

test("pefd convert --int8 calibrates with training images; the file is a third or less", async (t) => {
  const cwd = temporaryFolder(t);
  await writeCheckpoint(join(cwd, "a.safetensors"), formulaState("resnet20"), { model: "resnet20" });
  const made = await pefd(["data", "synthesize", "--out", "data", "--train", "40", "--test", "20"], { cwd });
  assert.equal(made.exitCode, 0, made.stderr);
  const convert = (to: string, ...words: string[]) => pefd(["convert", "a.safetensors", to, ...words], { cwd });
  assert.equal((await convert("a.onnx")).exitCode, 0);
  const { exitCode, stderr } = await convert("b.onnx", "--int8", "--calibrate", "8", "--data", "data");
  assert.equal(exitCode, 0, stderr);
  const [float, int8] = ["a.onnx", "b.onnx"].map((file) => readFileSync(join(cwd, file))) as [Buffer, Buffer];
  assert.ok(float.length > 3 * int8.length, `${float.length} and ${int8.length} bytes`);
  for (const word of ["QuantizeLinear", "DequantizeLinear", "calibration_images"]) assert.ok(int8.includes(word), word);
  assert.ok(!int8.includes("BatchNormalization"));
  for (const [words, sentence] of [
    [["c.pth", "--int8"], /--int8 belongs to ONNX files, but c\.pth is none/],
    [["c.onnx", "--calibrate", "8"], /--calibrate belongs to --int8/],
    [["c.onnx", "--int8", "--data", "nowhere"], /nowhere/],
  ] as const) {
    const [to, ...rest] = words;
    const refused = await convert(to, ...rest);
    assert.match(refused.stderr, sentence);
    assert.equal(refused.exitCode, 2);
    assert.ok(!existsSync(join(cwd, to)));
  }
});
