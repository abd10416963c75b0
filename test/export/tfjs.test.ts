import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { writeCheckpoint } from "#pefd/checkpoint/writeCheckpoint.js";
import { ANY_SIZE, recordForward } from "#pefd/compile/record/forwardGraph.js";
import { pngOf } from "#pefd/data/synthetic/write.js";
import { type TfjsArtifacts, tfjsArtifacts, tfjsModel, writeTfjs } from "#pefd/export/exportTfjs.js";
import { MODELS } from "#pefd/models/registry.js";
import { loadTensorFlow, type Tensor, tf } from "#pefd/runtime/tf.js";
import { spreadOf, tellRest } from "../helpers/matrices.js";
import { pefd } from "../helpers/pefd.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { findChromium, openTab } from "../report/page/browser.js";
import { randomTeacher, smallData } from "../train/runs.js";
import { dropped } from "./dropped.js";
import { assertClose, expectedOutputs, normalizedImages, sideOf, stateOf } from "./outputs.js";

before(() => loadTensorFlow());

const sourceOf = (model: string) => ({ path: "formula", model, state: stateOf(model), metadata: {} });

/** What TF.js's loader and executor compute of a folder. */
async function outputsOf(folder: string, side: number): Promise<Record<string, ArrayLike<number>>> {
  const model = await tf.loadGraphModel(pathToFileURL(join(folder, "model.json")).href);
  try {
    return tf.tidy(() => {
      const outputs = model.predict(normalizedImages(side)) as unknown as Record<string, Tensor>;
      return Object.fromEntries(Object.entries(outputs).map(([key, value]) => [key, value.dataSync()]));
    });
  } finally {
    model.dispose();
  }
}

const { cases, rest } = spreadOf(MODELS.rows(), 8);
tellRest(rest);
for (const { name } of cases) {
  test(`${name} as a GraphModel of TF.js computes what the model computes`, async (t) => {
    const folder = join(temporaryFolder(t), "model.tfjs");
    const artifacts = tfjsArtifacts(sourceOf(name), ["a", "b"], "1.2.3", {});
    await writeTfjs(folder, artifacts, undefined);
    assertClose(await outputsOf(folder, sideOf(name)), expectedOutputs(name));
  });
}

for (const [weights, share, most] of [
  ["float16", 0.51, 2e-3],
  ["uint8", 0.26, 0.1],
] as const) {
  test(`weights in ${weights}: ${share} of the bytes, nearly the same logits`, async (t) => {
    const folder = join(temporaryFolder(t), "model.tfjs");
    const [float32, reduced] = (["float32", weights] as const).map((each) =>
      tfjsArtifacts(sourceOf("resnet8x4"), ["a", "b"], "1.2.3", {}, each),
    ) as [TfjsArtifacts, TfjsArtifacts];
    assert.ok(reduced.weightData.byteLength <= share * float32.weightData.byteLength);
    await writeTfjs(folder, reduced, undefined);
    const [found, wanted] = [(await outputsOf(folder, 32)).logits, expectedOutputs("resnet8x4").logits];
    const error = Array.from(wanted as Float32Array, (value, i) => value - (found?.[i] as number));
    const relative = Math.hypot(...error) / Math.hypot(...(wanted as Float32Array));
    t.diagnostic(`${relative}`);
    assert.ok(relative > 0 && relative < most);
  });
}

test("model.json says what the model is, and names shards of 4 MB that are all of its weights", async (t) => {
  const folder = join(temporaryFolder(t), "model.tfjs");
  const artifacts = tfjsArtifacts(sourceOf("resnet8x4"), ["a", "b"], "1.2.3", {});
  await writeTfjs(folder, artifacts, undefined);
  const { format, weightsManifest, userDefinedMetadata } = JSON.parse(readFileSync(join(folder, "model.json"), "utf8"));
  assert.equal(format, "graph-model");
  const { pefd_version, model, image_size, classes } = userDefinedMetadata;
  assert.deepEqual([pefd_version, model, image_size, classes], ["1.2.3", "resnet8x4", 32, ["a", "b"]]);
  const [{ paths }] = weightsManifest;
  assert.deepEqual(readdirSync(folder).sort(), [...paths, "model.json"].sort());
  const sizes = paths.map((path: string) => readFileSync(join(folder, path)).length) as number[];
  assert.ok(sizes.length > 1 && sizes.every((size) => size <= 4 * 2 ** 20));
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    artifacts.weightData.byteLength,
  );
});

test("an op that TF.js does not have is named", () => {
  const forward = recordForward({
    prefix: "plugin",
    inputShape: [4, 4, 3],
    weights: new Map(),
    outputNames: ["logits"],
    outputs: (batch) => ({ logits: tf.tanh(batch) }),
  });
  assert.equal(forward.input.shape[0], ANY_SIZE);
  const nodes = forward.nodes.map((node) => ({ ...node, op: node.op === "Tanh" ? "Lgamma" : node.op }));
  const [mean, deviation] = [
    [0, 0, 0],
    [1, 1, 1],
  ] as const;
  const facts = { pefd_version: "1", model: "mine", dataset: "", image_size: 4, classes: [], mean, deviation };
  assert.throws(() => tfjsModel({ ...forward, nodes }, facts), /TF\.js has no op Lgamma/);
});

test("pefd convert writes a TF.js model by its ending, and replaces one only with --force", async (t) => {
  const cwd = temporaryFolder(t);
  await writeCheckpoint(join(cwd, "a.safetensors"), stateOf("resnet8"), { model: "resnet8" });
  mkdirSync(join(cwd, "mine.tfjs"));
  writeFileSync(join(cwd, "mine.tfjs/letter.txt"), "dear");
  const convert = (...words: string[]) => pefd(["convert", "a.safetensors", ...words], { cwd });
  const { exitCode, stdout } = await convert("b.tfjs/");
  assert.deepEqual([exitCode, /in b\.tfjs/.test(stdout)], [0, true]);
  assert.deepEqual(readdirSync(join(cwd, "b.tfjs")), ["group1-shard1of1.bin", "model.json"]);
  assert.match((await convert("b.tfjs")).stderr, /b\.tfjs already exists[\s\S]*--force/);
  assert.equal((await convert("b.tfjs", "--force", "--page")).exitCode, 0);
  assert.ok(existsSync(join(cwd, "b.tfjs/index.html")));
  assert.match((await convert("mine.tfjs", "--force")).stderr, /is not a TF\.js model/);
  assert.match((await convert("c.onnx", "--page")).stderr, /--page belongs to TF\.js models, but c\.onnx is none/);
});

const chromium = findChromium();
const skip = chromium === undefined ? "no Chromium here (PEFD_CHROMIUM names one)" : false;

test("the page classifies a dropped picture as pefd predict does, without a network", { skip }, async (t) => {
  const cwd = temporaryFolder(t);
  await smallData(cwd);
  await randomTeacher(cwd);
  const words = ["convert", "teacher.safetensors", "page.tfjs", "--page", "--data", "data"];
  assert.equal((await pefd(words, { cwd })).exitCode, 0);
  const records = readFileSync(join(cwd, "data/test.bin"));
  // One of the model's size, and one that has to be resized and cropped.
  const pixels = (image: number) => records.subarray(image * 3074 + 2, (image + 1) * 3074);
  const wide = Buffer.from(Array.from({ length: 3 * 48 * 48 }, (_, i) => (i * 31 + (i >> 4)) % 256));
  for (const [name, png] of [
    ["a.png", pngOf(pixels(0), 32)],
    ["b.png", pngOf(pixels(1), 32)],
    ["large.png", pngOf(wide, 48)],
  ] as const) {
    writeFileSync(join(cwd, name), png);
  }
  const files = ["a.png", "b.png", "large.png"];
  const predicted = await pefd(
    ["predict", "--checkpoint", "teacher.safetensors", "--data", "data", ...files, "--json"],
    {
      cwd,
    },
  );
  const lines = predicted.stdout.trim().split("\n");
  const tab = await openTab(t, chromium ?? "");
  await tab.open(pathToFileURL(join(cwd, "page.tfjs/index.html")).href);
  for (const [i, name] of files.entries()) {
    const { predictions } = JSON.parse(lines[i] ?? "") as { predictions: { class: string; probability: number }[] };
    const shown = await dropped(tab, name, readFileSync(join(cwd, name)));
    assert.equal(shown.length, 5);
    for (const [rank, line] of shown.entries()) {
      const [, className, share] = /^(.*) ([\d.]+) %$/.exec(line) ?? [];
      assert.equal(className, predictions[rank]?.class, name);
      assert.ok(Math.abs(Number(share) - 100 * (predictions[rank]?.probability ?? 0)) <= 0.01, line);
    }
  }
  assert.deepEqual(await dropped(tab, "letter.txt", Buffer.from("dear")), []);
  assert.deepEqual(tab.complaints, []);
});
