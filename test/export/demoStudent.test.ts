import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { pngOf } from "#pefd/data/synthetic/write.js";
import { pefd } from "../helpers/pefd.js";
import { missingPython, runPython } from "../helpers/python.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { findChromium, openTab } from "../report/page/browser.js";
import { dropped } from "./dropped.js";

/** As scripts/demo.js, but for the number of images and epochs. */
const TRAINING = ["--data", "data", "--save_dir", "save", "--epochs", "1", "--json"];
const RECORD = 3074;
const IMAGES = 20;

const CLASSIFY = `
import json, sys, numpy, onnxruntime
records = numpy.fromfile(sys.argv[2], numpy.uint8).reshape(-1, ${RECORD})[:${IMAGES}, 2:]
session = onnxruntime.InferenceSession(sys.argv[1])
classes = json.loads(session.get_modelmeta().custom_metadata_map["classes"])
pixels = numpy.ascontiguousarray(records.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
print(json.dumps([classes[label] for label in session.run(["probabilities"], {"images": pixels})[0].argmax(1)]))
`;

test("the demo's student sees the same in the terminal, in ONNX Runtime and in Chromium", async (t) => {
  const cwd = temporaryFolder(t);
  const run = async (...words: string[]): Promise<string> => {
    const { exitCode, stdout, stderr } = await pefd(words, { cwd });
    assert.equal(exitCode, 0, stderr);
    return stdout;
  };
  await run("data", "synthesize", "--out", "data", "--train", "400", "--test", "100", "--classes", "10");
  const { runDir: teacher } = JSON.parse(await run("train-teacher", "--model", "resnet20", ...TRAINING));
  const pair = ["--distill", "ours", "--path_t", join(teacher, "resnet20_last.safetensors"), "--model_s", "resnet8"];
  const { runDir } = JSON.parse(await run("distill", ...pair, ...TRAINING));
  const student = join(runDir, "resnet8_last.safetensors");
  const lines = (await run("predict", "--checkpoint", student, "data/test.bin", "--json")).trim().split("\n");
  const told = lines.slice(0, IMAGES).map((line) => JSON.parse(line).predictions[0].class as string);
  assert.ok(new Set(told).size > 1, `all images are ${told[0]}`);
  const missing = missingPython("onnxruntime", "numpy");
  if (missing === false) {
    await run("convert", student, "student.onnx", "--with_preprocessing");
    const found = runPython(CLASSIFY, [join(cwd, "student.onnx"), join(cwd, "data/test.bin")]);
    assert.deepEqual(JSON.parse(found), told);
  } else t.diagnostic(`without ONNX Runtime: ${missing}`);
  const chromium = findChromium();
  if (chromium === undefined) return t.diagnostic("without Chromium: there is none (PEFD_CHROMIUM names one)");
  await run("convert", student, "student.tfjs/", "--page");
  const tab = await openTab(t, chromium);
  await tab.open(pathToFileURL(join(cwd, "student.tfjs/index.html")).href);
  const records = readFileSync(join(cwd, "data/test.bin"));
  for (const [i, name] of told.entries()) {
    const file = join(cwd, `${i}.png`);
    writeFileSync(file, pngOf(records.subarray(i * RECORD + 2, (i + 1) * RECORD), 32));
    const [first] = await dropped(tab, `${i}.png`, readFileSync(file));
    assert.equal(first?.replace(/ [\d.]+ %$/, ""), name, `image ${i}`);
  }
});
