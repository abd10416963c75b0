import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import { checkGoldenFile, formatGoldenResult } from "#pefd/golden/check.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { wholeMatrices } from "../helpers/matrices.js";
import { GOLDEN } from "../helpers/paths.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";

const FOLDER = join(GOLDEN, "methods");

/** Golden files of methods, by the method or variant that they are of. */
const FILES = new Map(
  readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => [basename(file, ".json"), join(FOLDER, file)]),
);

/** Whose steps of distillation are compared unless PEFD_MATRICES=all: a method on logits, and one on maps. */
const SAMPLE = ["dkd", "similarity"];

before(() => {
  loadTensorFlow();
});

/** The file without its steps of distillation. */
function termsAlone(folder: string, file: string): string {
  const document = JSON.parse(readFileSync(file, "utf8"));
  const path = join(folder, basename(file));
  writeFileSync(path, JSON.stringify({ ...document, trajectory: undefined }));
  return path;
}

for (const [method, file] of FILES) {
  const isWhole = wholeMatrices || SAMPLE.includes(method);
  for (const engine of ["eager", "graph"] as const) {
    const what = isWhole ? "terms, gradients, steps of distillation" : "terms and gradients";
    test(`${method} is its authors' code: ${what}, ${engine}`, (t) => {
      const before = tf.memory().numTensors;
      const path = isWhole ? file : termsAlone(temporaryFolder(t), file);
      const result = checkGoldenFile(path, engine);
      assert.ok(result.ok, formatGoldenResult(result));
      assert.equal(tf.memory().numTensors, before);
    });
  }
}
