import assert from "node:assert/strict";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { exportLiteRt } from "#pefd/export/exportLiteRt.js";
import { MODELS } from "#pefd/models/registry.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { spreadOf, tellRest } from "../helpers/matrices.js";
import { pefd } from "../helpers/pefd.js";
import { missingPython, PYTHON, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { assertClose, bytesFor, expectedOutputs, sideOf, stateOf } from "./outputs.js";

before(() => loadTensorFlow());

const python = missingPython("tensorflow", "numpy");
const env = { ...process.env, PEFD_PYTHON: PYTHON };

/** Runs a file in LiteRT's interpreter, from pixels or from what they are normalised to. */
const RUN = `
import json, sys, numpy, tensorflow
file, images, side, out = sys.argv[1:]
pixels = numpy.fromfile(images, numpy.uint8).reshape(-1, int(side), int(side), 3)
runner = tensorflow.lite.Interpreter(file).get_signature_runner()
if runner.get_input_details()["images"]["dtype"] != numpy.uint8:
    mean, std = ([.5071, .4867, .4408], [.2675, .2565, .2761]) if side == "32" else ([.485, .456, .406], [.229, .224, .225])
    pixels = (pixels.astype(numpy.float32) / numpy.float32(255) - numpy.float32(mean)) / numpy.float32(std)
json.dump({name: value.ravel().tolist() for name, value in runner(images=pixels).items()}, open(out, "w"))
`;

function ran(folder: string, file: string, side: number): Record<string, number[]> {
  const [images, out] = ["images.bin", "out.json"].map((name) => join(folder, name)) as [string, string];
  writeFileSync(images, bytesFor(side));
  runPython(RUN, [file, images, `${side}`, out]);
  return JSON.parse(readFileSync(out, "utf8")) as Record<string, number[]>;
}

// Each is converted in a process of its own, which loads TensorFlow.
const { cases, rest } = spreadOf(MODELS.rows(), 2, 6);
tellRest(python === false ? rest : []);
for (const [i, { name }] of cases.entries()) {
  test(`${name} as LiteRT computes what the model computes`, { skip: python }, async (t) => {
    const folder = temporaryFolder(t);
    const file = join(folder, "model.tflite");
    const source = { path: "formula", model: name, state: stateOf(name), metadata: {} };
    await exportLiteRt(file, source, i % 2 === 1, env);
    assertClose(ran(folder, file, sideOf(name)), expectedOutputs(name));
  });
}

test("pefd convert says what to install where Python has no TensorFlow, or where there is no Python", async (t) => {
  const cwd = temporaryFolder(t);
  await writeCheckpoint(join(cwd, "a.safetensors"), stateOf("resnet8"), { model: "resnet8" });
  writeFileSync(
    join(cwd, "python"),
    "#!/bin/sh\necho \"ModuleNotFoundError: No module named 'tensorflow'\" >&2; exit 1\n",
    {
      mode: 0o755,
    },
  );
  for (const [name, sentence] of [
    [join(cwd, "python"), /LiteRT needs Python's tensorflow[\s\S]*-m pip install tensorflow/],
    [join(cwd, "nothing"), /LiteRT needs .*nothing.*ENOENT/],
  ] as const) {
    const { exitCode, stderr } = await pefd(["convert", "a.safetensors", "b.tflite"], {
      cwd,
      env: { PEFD_PYTHON: name },
    });
    assert.match(stderr, sentence);
    assert.equal(exitCode, 3);
    assert.ok(!existsSync(join(cwd, "b.tflite")));
  }
});
