import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { methodNames, methodRow } from "#pefd/distill/registry.js";
import { isBuffer } from "#pefd/nn/builder.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { dismiss, studentPupil } from "../compile/scenes.js";
import { casesOf, tellRest } from "../helpers/matrices.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { checkpointOf } from "./runs/checkpoints.js";
import { eventsOf } from "./runs/events.js";
import { type PretendedRun, type RunDocument, runToEnd, syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** Two whole batches, and one batch of the evaluation. */
const [BATCH, TRAIN, TEST] = [32, 64, 60];

/** What is run: a title and the command's words. */
type Case = readonly [title: string, words: (gpu: PretendedGpu) => Promise<readonly string[]>];

const training = ["--batch_size", `${BATCH}`, "--epochs", "1", "--force"];

/** The same for a method that begins with a phase: an epoch of it, and one of the main part. */
const withPhase = ["--batch_size", `${BATCH}`, "--epochs", "2", "--init_epochs", "1", "--force"];

const distillation = (method: string): Case => [
  `distill: ${method}`,
  async ({ root }) => {
    const path = await checkpointOf("resnet14", root);
    const words = "init_epochs" in methodRow(method).options ? withPhase : training;
    return ["distill", "--path_t", path, "--model_s", "resnet8", "--distill", method, ...words];
  },
];

/** What steps of a method take and leave, and which programs it needs, apart from its loss. */
function traitsOf(name: string): string {
  const pupil = studentPupil(name);
  const { draws, optimizer, evaluated, phases, learns, wholeBatches, strongView, ...learner } = pupil.learner;
  const { teacherStatistics, extra, objective } = learner;
  const parts = [draws, evaluated, phases, learns, wholeBatches, strongView, teacherStatistics, objective.guidance];
  const traits = JSON.stringify([parts.map(Boolean), optimizer, extra.some(({ role }) => isBuffer(role))]);
  dismiss(pupil);
  return traits;
}

/** The first method of each kind that runs alike. That all compile, and each family, is in aot/matrix.test.ts. */
function kindsOfMethods(): readonly string[] {
  loadTensorFlow();
  return [
    ...new Map(
      methodNames()
        .toReversed()
        .map((name) => [traitsOf(name), name]),
    ).values(),
  ];
}

const evaluation: Case = [
  "eval: ResNet50",
  async ({ root }) => ["eval", "--checkpoint", await checkpointOf("ResNet50", root)],
];
const teacher: Case = ["train-teacher: vgg8", async () => ["train-teacher", "--model", "vgg8", ...training]];

const gpuProblem = noPretendedGpu();
// Each takes half a minute. All methods and families are compiled, with PEFD_MATRICES=all, in aot/matrix.test.ts.
const methods = gpuProblem === false ? kindsOfMethods().map(distillation) : [];
const { cases, rest } = casesOf([evaluation, teacher, ...methods], 1, 5);

describe("every kind of step compiles for a GPU, and its calls run to their end", {
  skip: gpuProblem,
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
