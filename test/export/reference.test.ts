import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { readCheckpoint } from "#pefd/checkpoint/readCheckpoint.js";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { normalizationTable } from "#pefd/data/normalize.js";
import { variablesOf } from "#pefd/learn/learner.js";
import { buildModel } from "#pefd/models/build.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { loadState } from "#pefd/train/files/stateFiles.js";
import { decodeRecords, realData } from "../data/cifar/recordFiles.js";
import { sharedPath } from "../helpers/paths.js";
import { pefd } from "../helpers/pefd.js";
import { missingPython, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

before(() => loadTensorFlow());

const student = sharedPath("reference/resnet8x4_ours/ckpt_epoch_240.pth");
const data = realData();
const missing = [
  student === undefined && "no reference student beside the project",
  data === undefined && "no real images (PEFD_REAL_DATA names their folder)",
  missingPython("onnxruntime", "numpy"),
].find((reason) => reason !== false);

const [CLASSES, BATCH] = [100, 100];

/** Logits of all test images, in float32, one after the other. */
const RUN = `
import json, sys, numpy, onnxruntime
file, test, out = sys.argv[1:]
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
info = session.get_modelmeta().custom_metadata_map
mean, deviation = (numpy.float32(json.loads(info[key]))[:, None, None] for key in ("mean", "deviation"))
pixels = numpy.fromfile(test, numpy.uint8).reshape(-1, 3074)[:, 2:].reshape(-1, 3, 32, 32)
images = (pixels.astype(numpy.float32) / numpy.float32(255) - mean) / deviation
parts = [session.run(["logits"], {"images": images[at:at + 100]})[0] for at in range(0, len(images), 100)]
numpy.concatenate(parts).tofile(out)
`;

/** Logits [N * CLASSES] of PyTorch's student in pefd. */
async function expectedLogits(images: Uint8Array, count: number): Promise<Float32Array> {
  const { state } = await readCheckpoint(student as string);
  const model = buildModel("resnet8x4", CLASSES, "zeros");
  loadState(model.state, state, { path: student as string, modelName: "resnet8x4" });
  const table = normalizationTable(CIFAR100_FORMAT.normalization);
  const logits = new Float32Array(count * CLASSES);
  const size = images.length / count;
  for (let from = 0; from < count; from += BATCH) {
    const part = images.subarray(from * size, (from + BATCH) * size);
    const values = Float32Array.from(part, (byte, i) => table[byte * 3 + (i % 3)] as number);
    const found = tf.tidy(() =>
      model.forward(tf.tensor4d(values, [BATCH, 32, 32, 3]), { training: false, updates: [] }).logits.dataSync(),
    );
    logits.set(found as Float32Array, from * CLASSES);
  }
  tf.dispose(variablesOf(model.state));
  return logits;
}

const labelsOf = (logits: Float32Array): number[] =>
  Array.from({ length: logits.length / CLASSES }, (_, i) => {
    const row = logits.subarray(i * CLASSES, (i + 1) * CLASSES);
    return row.indexOf(Math.max(...row));
  });

test("the reference student as ONNX has pefd's logits, in int8 nearly its accuracy", { skip: missing }, async (t) => {
  const cwd = temporaryFolder(t);
  const { images, labels, count } = decodeRecords(readFileSync(join(data as string, "test.bin")));
  const inOnnx = async (file: string, ...words: string[]): Promise<Float32Array> => {
    const { exitCode, stderr } = await pefd(["convert", student as string, file, "--data", data as string, ...words], {
      cwd,
    });
    assert.equal(exitCode, 0, stderr);
    const out = join(cwd, `${file}.bin`);
    runPython(RUN, [join(cwd, file), join(data as string, "test.bin"), out]);
    return new Float32Array(new Uint8Array(readFileSync(out)).buffer);
  };
  const expected = await expectedLogits(images, count);
  const found = await inOnnx("float32.onnx");
  const first = expected.subarray(0, 256 * CLASSES);
  const largest = first.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const worst = first.reduce((most, value, i) => Math.max(most, Math.abs(value - (found[i] as number))), 0);
  assert.ok(worst <= 1e-5 * largest, `${worst} of ${largest}`);
  assert.deepEqual(labelsOf(found), labelsOf(expected));

  const top1 = (logits: Float32Array) =>
    (100 * labelsOf(logits).filter((label, i) => label === labels[i]).length) / count;
  const int8 = await inOnnx("int8.onnx", "--int8");
  const [float32Top1, int8Top1] = [top1(found), top1(int8)];
  t.diagnostic(`top-1 ${float32Top1} in float32, ${int8Top1} in int8`);
  assert.ok(float32Top1 - int8Top1 <= 0.5);
  const [large, small] = ["float32.onnx", "int8.onnx"].map((file) => statSync(join(cwd, file)).size) as [
    number,
    number,
  ];
  assert.ok(large > 3.5 * small, `${large} and ${small} bytes`);
});
