import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { GPUS, type Pretence } from "./pretended/pretence.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { checkpointOf } from "./runs/checkpoints.js";
import { eventsOf } from "./runs/events.js";
import { type RunDocument, runToEnd, syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** CUDA by itself counts the 4090 first; the bus has it second. */
const TWO: Pretence = { gpus: [GPUS.t4, GPUS.rtx4090] };

describe("two GPUs, of which a process sees one", { skip: noPretendedGpu() }, () => {
  let gpu: PretendedGpu;
  let words: readonly string[];

  before(async () => {
    gpu = pretendGpu();
    const data = await syntheticData(gpu, 10, 20);
    const checkpoint = await checkpointOf("resnet8", gpu.root);
    words = ["eval", "--checkpoint", checkpoint, "--data", data, "--engine", "eager"];
  });
  after(() => gpu?.remove());

  /** The GPU that the document names, and those that the driver was asked to use. */
  const used = async (flags: readonly string[], pretence: Pretence) => {
    const { document, events } = await runToEnd<RunDocument>(gpu, [...words, ...flags], pretence);
    const contexts = new Set(eventsOf(events, "context").map(({ name }) => name));
    return { device: document.device, contexts: [...contexts] };
  };

  const T4 = { device: "Tesla T4", contexts: ["Tesla T4"] };
  const RTX4090 = {
    device: "NVIDIA GeForce RTX 4090",
    contexts: ["NVIDIA GeForce RTX 4090"],
  };

  it("is the first of the bus by itself, and no other is touched", async () => {
    assert.deepEqual(await used([], TWO), T4);
  });

  it("is the other with --gpu 1, or the paper's --gpuNum 1", async () => {
    assert.deepEqual(await used(["--gpu", "1"], TWO), RTX4090);
    assert.deepEqual(await used(["--gpuNum", "1"], TWO), RTX4090);
  });

  it("is the first that CUDA_VISIBLE_DEVICES names, from which --gpu counts", async () => {
    const visible = { ...TWO, env: { CUDA_VISIBLE_DEVICES: "1,0" } };
    assert.deepEqual(await used([], visible), RTX4090);
    assert.deepEqual(await used(["--gpu", "1"], visible), T4);
  });

  it("has the precision of its own capability", async () => {
    const { stdout } = await gpu.pefd([...words, "--gpu", "1", "--json"], TWO);
    assert.equal(JSON.parse(stdout).precision, "float32");
  });

  it("is none that is not there: exit 2, and which there are", async () => {
    const { exitCode, stderr } = await gpu.pefd([...words, "--gpu", "2"], TWO);
    assert.equal(exitCode, 2);
    assert.match(stderr, /0 Tesla T4, 1 NVIDIA GeForce RTX 4090/);
  });
});
