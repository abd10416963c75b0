import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { methodNames } from "#pefd/distill/registry.js";
import { casesOf, tellRest } from "../helpers/matrices.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { checkpointOf } from "./runs/checkpoints.js";
import { dumpFlags } from "./runs/compiledProgram.js";
import { syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** Two whole batches and a short one. */
const [BATCH, TRAIN, TEST] = [16, 40, 20];

const distill = (student: string, method: string) => ["distill", "--model_s", student, "--distill", method] as const;

// Depthwise convolutions have gradients of their own.
const { cases, rest } = casesOf(
  [
    distill("resnet8", "ours"),
    ["train-teacher", "--model", "MobileNetV2"],
    ...methodNames()
      .filter((method) => method !== "ours")
      .map((method) => distill("resnet8", method)),
  ],
  2,
  3,
);

// That XLA takes the program, and how; that a real GPU then gives the same bytes cannot be shown here.
describe("--deterministic on a GPU", { skip: noPretendedGpu() }, () => {
  let gpu: PretendedGpu;
  let common: readonly string[];
  let teacher: readonly string[];

  before(async () => {
    gpu = pretendGpu();
    const sizes = ["--epochs", "1", "--batch_size", `${BATCH}`, "--no_cache", "--force"];
    const places = ["--data", await syntheticData(gpu, TRAIN, TEST), "--save_dir"];
    common = ["--deterministic", ...sizes, ...places, join(gpu.root, "save")];
    teacher = ["--path_t", await checkpointOf("resnet14", gpu.root)];
  });
  after(() => gpu?.remove());

  const run = (words: readonly string[], XLA_FLAGS?: string) => {
    const more = words[0] === "distill" ? teacher : [];
    return gpu.pefd([...words, ...more, ...common], XLA_FLAGS ? { env: { XLA_FLAGS } } : {});
  };

  for (const words of cases) {
    it(`compiles and runs to its end, without sums in any order: ${words.join(" ")}`, async () => {
      const dump = mkdtempSync(join(gpu.root, "dump-"));
      const { XLA_FLAGS } = gpu.environment();
      const { exitCode, stderr } = await run(words, `${XLA_FLAGS} ${dumpFlags(dump)}`);
      assert.equal(exitCode, 0, stderr);
      const read = (ending: RegExp) =>
        readdirSync(dump)
          .filter((file) => ending.test(file))
          .map((file) => readFileSync(join(dump, file), "utf8"));
      const programs = read(/train_loop.*gpu_after_optimizations\.txt$/);
      assert.ok(programs.length > 0, "a training step was compiled");
      for (const program of programs) assert.doesNotMatch(program, / (scatter|select-and-scatter)\(/);
      const settings = read(/train_loop.*debug_options$/);
      assert.ok(settings.length > 0, "XLA tells its settings");
      for (const text of settings) assert.match(text, /^xla_gpu_deterministic_ops: true$/m);
    });
  }

  tellRest(rest);

  for (const engine of ["graph", "eager"]) {
    it(`is refused where sums come in any order: ${engine}`, async () => {
      const { exitCode, stderr } = await run([...distill("resnet8", "kd"), "--engine", engine]);
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, /--engine xla/);
      assert.match(stderr, /PEFD_RUNTIME=cpu/);
    });
  }
});
