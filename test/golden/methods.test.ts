import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { before, test } from "node:test";
import type { EngineName } from "#pefd/compile/types.js";
import { loadTensorFlow, tf } from "#pefd/runtime/tf.js";
import { manyCases } from "../helpers/matrices.js";
import { GOLDEN } from "../helpers/paths.js";
import { checkGoldenFile, formatGoldenResult, shareOf } from "./compare/check.js";
import type { Check } from "./compare/comparison.js";
import { methodSchema } from "./compare/method/schema.js";
import { checkTerm } from "./compare/method/termCheck.js";

const FOLDER = join(GOLDEN, "methods");

/** Golden files of methods, by the method or variant that they are of. */
const FILES = new Map(
  readdirSync(FOLDER, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => [basename(file, ".json"), join(FOLDER, file)]),
);

/** Whose steps of distillation are compared without PEFD_MATRICES=many: a method on logits, and one on maps. */
const SAMPLE = ["dkd", "similarity"];

before(() => {
  loadTensorFlow();
});

/** Numbers of a file's terms that are out of bounds, with what its steps of distillation say of options and epoch. */
function wrongTerms(file: string, engine: EngineName): readonly Check[] {
  const golden = methodSchema.parse(JSON.parse(readFileSync(file, "utf8")));
  const checks = Object.entries(golden.losses).flatMap(([key, entry]) => checkTerm(golden, key, entry, engine));
  assert.ok(checks.length > 0);
  return checks.filter((check) => shareOf(check) > 1);
}

/** Whether a file holds steps of distillation alone. */
const isOfSteps = (file: string): boolean => Object.keys(JSON.parse(readFileSync(file, "utf8")).losses).length === 0;

/** Steps of other families of models, which are quick: no other file holds what is particular to a family. */
const isOfFamily = (file: string): boolean => file.includes(join("methods", "families"));

for (const [method, file] of FILES) {
  const isWhole = manyCases || SAMPLE.includes(method) || isOfFamily(file);
  const skip = !isWhole && isOfSteps(file) && "it has no terms; PEFD_MATRICES=many compares steps";
  for (const engine of ["eager", "graph"] as const) {
    const what = isWhole ? "terms, gradients, steps of distillation" : "terms and gradients";
    test(`${method} is its authors' code: ${what}, ${engine}`, { skip }, () => {
      const before = tf.memory().numTensors;
      if (isWhole) {
        const result = checkGoldenFile(file, engine);
        assert.ok(result.ok, formatGoldenResult(result));
      } else {
        assert.deepEqual(wrongTerms(file, engine), []);
      }
      assert.equal(tf.memory().numTensors, before);
    });
  }
}
