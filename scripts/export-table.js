// How far a model's exports are from the model itself, as the table of docs/exactness.md: SavedModel in TensorFlow, ONNX in
// Python's onnxruntime (PEFD_PYTHON), TF.js in its own kernels for processors (its "cpu" backend).
//
//     npx tsc -p tsconfig.json && npx tsc -p tsconfig.test.json && node scripts/export-table.js [MODEL...]
//
// Weights and three images are those of test/export/outputs.ts. Rows of models that are not named stay as they are.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onnxFile } from "../dist/export/exportOnnx.js";
import { exportSavedModel } from "../dist/export/exportSavedModel.js";
import { tfjsArtifacts } from "../dist/export/exportTfjs.js";
import { MODELS } from "../dist/models/registry.js";
import { loadTensorFlow } from "../dist/runtime/tf.js";
import { bytesFor, expectedOutputs, normalizedImages, OUTPUTS, sideOf, stateOf } from "../dist-test/export/outputs.js";

const DOCUMENT = fileURLToPath(new URL("../docs/exactness.md", import.meta.url));
const [BEGIN, END] = ["<!-- exports: begin -->", "<!-- exports: end -->"];
const BOUND = 1e-5;

const RUN = `
import json, sys, numpy, onnxruntime
file, images, side = sys.argv[1:]
pixels = numpy.fromfile(images, numpy.uint8).reshape(-1, int(side), int(side), 3)
session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
names = [port.name for port in session.get_outputs()]
print(json.dumps({n: v.ravel().tolist() for n, v in zip(names, session.run(None, {"images": pixels}))}))
`;

const tf = loadTensorFlow();

const valuesOf = (outputs) => Object.fromEntries(OUTPUTS.map((key) => [key, outputs[key].dataSync()]));

/** The largest difference over all outputs, each as a fraction of its largest value. @param count of values compared */
function worst(found, expected) {
  const errors = OUTPUTS.map((key) => {
    const wanted = expected[key].subarray(0, found[key].length);
    const largest = wanted.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return wanted.reduce((most, value, i) => Math.max(most, Math.abs(value - found[key][i])), 0) / largest;
  });
  return Math.max(...errors);
}

async function inTensorFlow(source, folder) {
  await exportSavedModel(folder, source, process.env);
  const model = await tf.node.loadSavedModel(folder, ["serve"], "serving_default");
  const found = tf.tidy(() => valuesOf(model.predict({ images: normalizedImages(sideOf(source.model)) })));
  model.dispose();
  return found;
}

function inOnnxRuntime(source, folder) {
  const side = sideOf(source.model);
  const [file, images] = [join(folder, "model.onnx"), join(folder, "images.bin")];
  writeFileSync(file, onnxFile(source, { classes: [], withPreprocessing: true, version: "" }, process.env));
  writeFileSync(images, bytesFor(side));
  const words = ["-c", RUN, file, images, `${side}`];
  const { status, stdout, stderr } = spawnSync(process.env.PEFD_PYTHON ?? "python3", words, {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(stderr);
  return JSON.parse(stdout);
}

/** Only the first of large images: plain JavaScript is slow. */
function inTfjs(source) {
  const artifacts = tfjsArtifacts(source, [], "", process.env);
  tf.setBackend("cpu");
  try {
    const model = tf.loadGraphModelSync(tf.io.fromMemorySync(artifacts));
    const side = sideOf(source.model);
    const found = tf.tidy(() => {
      const images = normalizedImages(side);
      return valuesOf(model.predict(side > 64 ? tf.slice(images, 0, 1) : images));
    });
    model.dispose();
    return found;
  } finally {
    tf.setBackend("tensorflow");
  }
}

async function row(model) {
  const folder = mkdtempSync(join(tmpdir(), "pefd-exports-"));
  try {
    const source = { path: model, model, state: stateOf(model), metadata: {} };
    const expected = expectedOutputs(model);
    const found = [await inTensorFlow(source, join(folder, "served")), inOnnxRuntime(source, folder), inTfjs(source)];
    const errors = found.map((outputs) => worst(outputs, expected));
    const cells = errors.map((error) =>
      error <= BOUND ? error.toExponential(1) : `OUT OF BOUND: ${error.toExponential(1)}`,
    );
    return `| ${model} | ${cells.join(" | ")} | ${new Date().toISOString().slice(0, 10)} |`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const text = readFileSync(DOCUMENT, "utf8");
const [before, rest] = text.split(BEGIN);
const [table, after] = (rest ?? "").split(END);
if (after === undefined) throw new Error(`${DOCUMENT} has no lines ${BEGIN} and ${END}.`);
const rows = new Map([...table.matchAll(/^\| (\w+) \|.* \|$/gm)].map(([line, name]) => [name, line]));
const names = MODELS.rows().map(({ name }) => name);
const asked = process.argv.slice(2);
for (const name of asked.length > 0 ? asked : names) {
  rows.set(name, await row(name));
  console.error(rows.get(name));
  const head = ["| model | SavedModel | ONNX | TF.js | measured |", "| --- | ---: | ---: | ---: | --- |"];
  const lines = names.flatMap((each) => rows.get(each) ?? []);
  writeFileSync(DOCUMENT, `${before}${BEGIN}\n${[...head, ...lines].join("\n")}\n${END}${after}`);
}
console.error(`On ${cpus().length} cores of ${cpus()[0]?.model}.`);
