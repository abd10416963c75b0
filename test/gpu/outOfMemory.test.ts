import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** An H100 with so many MB. TensorFlow itself keeps 225 of them back. */
const withMemory = (megabytes: number) => ({
  gpus: [`NVIDIA H100 80GB HBM3, 9.0, 580.82.07, ${megabytes}`],
});

describe("a GPU whose memory is too small", { skip: noPretendedGpu() }, () => {
  let gpu: PretendedGpu;
  let words: readonly string[];

  before(async () => {
    gpu = pretendGpu();
    const data = await syntheticData(gpu, 4096, 250);
    const training = ["--model", "resnet8", "--epochs", "1", "--batch_size", "64", "--force"];
    const places = ["--data", data, "--save_dir", join(gpu.root, "save")];
    words = ["train-teacher", ...training, ...places];
  });
  after(() => gpu?.remove());

  /** A run that fails as it should: one sentence, what to change, and the exit code of a failed run. */
  const fails = async (megabytes: number): Promise<string> => {
    const { exitCode, stderr } = await gpu.pefd(words, withMemory(megabytes));
    assert.equal(exitCode, 1, stderr);
    assert.match(stderr, /memory/);
    assert.match(stderr, /--batch_size/);
    assert.match(stderr, /--data_budget_mb/);
    assert.doesNotMatch(stderr, /defect of pefd|TF_Status|^ {4}at |^[EFW]\d{4} /m);
    return stderr;
  };

  for (const [megabytes, title] of [
    [275, "for the images"],
    [292, "for what comes after them"],
  ] as const) {
    it(`${title}: what was asked for is told, and the flags that make it smaller`, async () => {
      assert.match(await fails(megabytes), /asked for (a tensor \[|[\d.]+ [kMG]i?B)/);
    });
  }
});
