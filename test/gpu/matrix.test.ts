import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { methodNames, methodRow } from "#pefd/distill/registry.js";
import { MODELS } from "#pefd/models/registry.js";
import { casesOf, tellRest } from "../helpers/matrices.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { checkpointOf } from "./runs/checkpoints.js";
import { eventsOf } from "./runs/events.js";
import { type PretendedRun, type RunDocument, runToEnd, syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** Two whole batches, and one batch of the evaluation. */
const [BATCH, TRAIN, TEST] = [32, 64, 60];

const CIFAR_MODELS = MODELS.rows().filter(({ imageSize }) => imageSize === undefined);

/** The first model of each family that CIFAR's images fit, and the one with bottlenecks. */
const FAMILIES: readonly string[] = CIFAR_MODELS.filter(
  ({ family }, i) => CIFAR_MODELS.findIndex((row) => row.family === family) === i,
)
  .map(({ name }) => name)
  .concat("ResNet50");

/** What is run: a title and the command's words. */
type Case = readonly [title: string, words: (gpu: PretendedGpu) => Promise<readonly string[]>];

const training = ["--batch_size", `${BATCH}`, "--epochs", "1", "--force"];

/** The same for a method that begins with a phase: an epoch of it, and one of the main part. */
const withPhase = ["--batch_size", `${BATCH}`, "--epochs", "2", "--init_epochs", "1", "--force"];

const teachers = FAMILIES.map(
  (model): Case => [`train-teacher: ${model}`, async () => ["train-teacher", "--model", model, ...training]],
);

const distillation = (teacher: string, student: string, method: string): Case => [
  `distill: ${teacher} -> ${student}, ${method}`,
  async ({ root }) => {
    const path = await checkpointOf(teacher, root);
    const words = "init_epochs" in methodRow(method).options ? withPhase : training;
    return ["distill", "--path_t", path, "--model_s", student, "--distill", method, ...words];
  },
];

/** Each family teaches one and learns from one. */
const pairs = FAMILIES.map((model, i) => distillation(model, FAMILIES[(i + 1) % FAMILIES.length] ?? model, "ours"));
const methods = methodNames()
  .filter((method) => method !== "ours")
  .map((method) => distillation("resnet14", "resnet8", method));

const evaluations = FAMILIES.map(
  (model): Case => [`eval: ${model}`, async ({ root }) => ["eval", "--checkpoint", await checkpointOf(model, root)]],
);

// The first of these stand for all in `npm test`: the rest takes minutes.
const { cases, rest } = casesOf([...evaluations, ...teachers, ...methods, ...pairs], 1);

describe("every family and method compiles for a GPU, and its calls run to their end", {
  skip: noPretendedGpu(),
}, () => {
  let gpu: PretendedGpu;
  let data: string;

  before(async () => {
    gpu = pretendGpu();
    data = await syntheticData(gpu, TRAIN, TEST);
  });
  after(() => gpu?.remove());

  for (const [title, words] of cases) {
    it(title, async () => {
      const [command = "", ...more] = await words(gpu);
      const place = command === "eval" ? [] : ["--save_dir", join(gpu.root, "save")];
      const run: PretendedRun<RunDocument> = await runToEnd(gpu, [
        command,
        ...more,
        "--data",
        data,
        "--engine",
        "xla",
        ...place,
      ]);
      assert.equal(run.document.engine, "xla");
      assert.match(run.document.device, /H100/);
      assert.ok(run.programs.length > 0, "something was compiled");
      assert.ok(eventsOf(run.events, "launch").length > 0, "something was launched");
    });
  }

  tellRest(rest);
});
