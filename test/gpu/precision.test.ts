import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { GPUS, type Pretence } from "./pretended/pretence.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { checkpointOf } from "./runs/checkpoints.js";
import { eventsOf } from "./runs/events.js";
import { type RunDocument, runToEnd, syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** What `pefd eval --json` tells besides. */
interface EvalDocument extends RunDocument {
  readonly tf32: boolean;
}

/** The libraries whose float32 may be TF32. */
const MULTIPLYING = ["cublas", "cublasLt", "cudnn"];
const TF32_ALLOWED: Pretence = { env: { NVIDIA_TF32_OVERRIDE: "1" } };

describe("which arithmetic a GPU is asked for", { skip: noPretendedGpu() }, () => {
  let gpu: PretendedGpu;
  let data: string;
  let evaluation: readonly string[];

  before(async () => {
    gpu = pretendGpu();
    data = await syntheticData(gpu, 64, 20);
    const checkpoint = await checkpointOf("resnet8", gpu.root);
    evaluation = ["eval", "--checkpoint", checkpoint, "--data", data, "--no_cache"];
  });
  after(() => gpu?.remove());

  /** What a command says of itself, whether libraries found TF32 allowed, and whether XLA multiplies by itself. */
  const asked = async (words: readonly string[], pretence: Pretence = {}) => {
    const run = await runToEnd<EvalDocument>(gpu, words, pretence);
    const told = eventsOf(run.events, "tf32");
    assert.ok(told.length > 0, "a library was opened");
    for (const { name } of told) assert.ok(MULTIPLYING.includes(name), name);
    const allowed = [...new Set(told.map(({ amount }) => amount === 1))];
    const own = run.programs.some(({ ownProducts }) => ownProducts > 0);
    const { precision, tf32 } = run.document;
    return { precision, tf32, allowed, own };
  };

  const FLOAT32 = { precision: "float32", tf32: false, allowed: [false], own: false };

  for (const engine of ["xla", "graph", "eager"]) {
    it(`eval computes in float32 without TF32: ${engine}`, async () => {
      assert.deepEqual(await asked([...evaluation, "--engine", engine]), FLOAT32);
    });
  }

  it("eval computes in bfloat16 when it is asked to, and says so", async () => {
    const reduced = await asked([...evaluation, "--precision", "bfloat16"]);
    assert.deepEqual(reduced, { precision: "bfloat16", tf32: true, allowed: [true], own: true });
  });

  it("who sets NVIDIA's switch has TF32, and is told", async () => {
    const { precision, tf32, allowed } = await asked(evaluation, TF32_ALLOWED);
    assert.deepEqual([precision, tf32, allowed], ["float32", true, [true]]);
    const { stdout } = await gpu.pefd([...evaluation, "--engine", "eager"], TF32_ALLOWED);
    assert.match(stdout, /float32 \(TF32 allowed\), eager engine, NVIDIA H100/);
  });

  it("a GPU without TF32 has none", async () => {
    const { tf32 } = await asked([...evaluation, "--engine", "eager"], {
      gpus: [GPUS.t4],
      env: { NVIDIA_TF32_OVERRIDE: "1" },
    });
    assert.equal(tf32, false);
  });

  it("a training in float32 has no TF32 either", async () => {
    const training = ["--model", "resnet8", "--epochs", "1", "--batch_size", "32"];
    const places = ["--data", data, "--save_dir", join(gpu.root, "save"), "--no_cache"];
    const words = ["train-teacher", ...training, ...places, "--precision", "float32"];
    const { precision, allowed, own } = await asked(words);
    assert.deepEqual([precision, allowed, own], ["float32", [false], false]);
  });
});
