import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { checkpointOf } from "./runs/checkpoints.js";
import { type CompiledProgram, describeProgram, kernelsPerStep, stepsOf } from "./runs/compiledProgram.js";
import { type PretendedRun, type RunDocument, runToEnd, syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** Two whole batches for the loop, one after the log that is due, a short one, and two batches of the evaluation. */
const [TRAIN, TEST] = [202, 250];

const skip = noPretendedGpu();

// One run for all of these: `ours`, resnet32x4 -> resnet8x4, batch 64, bfloat16, from compilation to result.json.
describe("distillation on a pretended H100", { skip }, () => {
  let gpu: PretendedGpu;
  let run: PretendedRun<RunDocument & { test: { loss: number } }>;

  before(async () => {
    gpu = pretendGpu();
    const teacher = await checkpointOf("resnet32x4", gpu.root);
    const data = await syntheticData(gpu, TRAIN, TEST);
    const pair = ["--path_t", teacher, "--model_s", "resnet8x4", "--distill", "ours"];
    const save = ["--save_dir", join(gpu.root, "save")];
    run = await runToEnd(gpu, ["distill", ...pair, "--data", data, "--epochs", "1", "--tb_freq", "2", ...save]);
  });
  after(() => gpu?.remove());

  const training = (): CompiledProgram =>
    run.programs.find(({ name }) => name === "train_loop") ?? assert.fail("no training program");

  it("runs to its end with XLA in bfloat16", () => {
    const { engine, precision, device, test } = run.document;
    assert.deepEqual([engine, precision], ["xla", "bfloat16"]);
    assert.match(device, /H100/);
    assert.ok(Number.isFinite(test.loss));
  });

  it("no program of it waits for the rounds of a loop", () => {
    const unknown = run.programs.filter(({ loops }) => loops.some((loop) => stepsOf(loop) === undefined));
    assert.deepEqual(
      unknown.map(({ name }) => name),
      [],
    );
    const names = ["train_loop", "train_single_loop", "train_short_loop", "evaluate_loop"];
    assert.deepEqual(run.programs.map(({ name }) => name).toSorted(), names.toSorted());
    assert.equal(training().loops[0]?.rounds, 2);
  });

  it("is one loop of known kernels", (t) => {
    for (const program of run.programs) t.diagnostic(describeProgram(program));
    const [loop] = training().loops;
    assert.ok(loop !== undefined && kernelsPerStep(loop) > 50, "a step was found");
  });
});
