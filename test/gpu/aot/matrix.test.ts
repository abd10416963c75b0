import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { methodNames } from "#pefd/distill/registry.js";
import { MODELS } from "#pefd/models/registry.js";
import { casesOf, tellRest } from "../../helpers/matrices.js";
import { CARDS } from "./cards.js";
import { compileFor, noCompiler, recordPrograms } from "./compiler.js";

const CIFAR_MODELS = MODELS.rows().filter(({ imageSize }) => imageSize === undefined);

/** The first model of each family that CIFAR's images fit, and the one with bottlenecks. */
const FAMILIES: readonly string[] = CIFAR_MODELS.filter(
  ({ family }, i) => CIFAR_MODELS.findIndex((row) => row.family === family) === i,
)
  .map(({ name }) => name)
  .concat("ResNet50");

/** A work of `pefd bench`, with its teacher, student and method. */
type Case = readonly string[];

/** Each family teaches one and learns from one: its frozen program and its gradients. */
const pairs = FAMILIES.map((model, i): Case => {
  const student = FAMILIES[(i + 1) % FAMILIES.length] ?? model;
  return ["distill", "bfloat16", model, student, "ours"];
});
const methods = methodNames().map((method): Case => ["distill", "bfloat16", "resnet14", "resnet8", method]);
const others = FAMILIES.flatMap((model): Case[] =>
  ["teacher", "evaluate"].map((work) => [work, "bfloat16", model, model, "kd"]),
);

const { cases, rest } = casesOf([...methods, ...pairs, ...others], 1, 6);

describe("every family and method compiles for a real card", { skip: noCompiler() }, () => {
  const card = CARDS.find(({ name }) => name === "sm_90") ?? assert.fail("no H100 among the cards");

  const folder = mkdtempSync(join(tmpdir(), "pefd-aot-"));
  let modules: readonly string[] = [];
  before(async () => {
    modules = await recordPrograms(cases, join(folder, "dump"));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [i, words] of cases.entries()) {
    it(words.join(" "), async (t) => {
      const [step] = await compileFor([card], modules[i] ?? "", folder);
      t.diagnostic(`${step?.kernels} kernels, ${step?.megabytes} MB, ${step?.spilled} bytes spilled`);
      assert.ok(step !== undefined && step.kernels > 0 && step.megabytes > 0);
    });
  }

  tellRest(rest);
});
