import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** A fault of the driver (fake/machine.h), what a run says of it, and its exit code. */
const FAULTS: readonly (readonly [title: string, fault: string, says: RegExp, exitCode: number])[] = [
  ["no memory for a context", "cuDevicePrimaryCtxRetain:1:2", /not even the memory left/, 3],
  ["a GPU that another process has exclusively", "cuDevicePrimaryCtxRetain:1:46", /busy or unavailable/, 3],
  ["a GPU whose memory has failed", "cuDevicePrimaryCtxRetain:1:214", /uncorrectable memory error/, 3],
  ["a driver too old for the kernels", "cuModuleLoadData:1:222", /driver is too old/, 3],
  ["a kernel that fails in the middle", "cuStreamSynchronize:12:700", /A kernel failed on the GPU/, 3],
  ["memory that runs out in the middle", "cuMemAlloc:2:2", /too little memory|Out of device memory/, 1],
];

describe("a GPU that fails", { skip: noPretendedGpu() }, () => {
  let gpu: PretendedGpu;
  let words: readonly string[];

  before(async () => {
    gpu = pretendGpu();
    const data = await syntheticData(gpu, 128, 200);
    const training = ["--model", "resnet8", "--epochs", "3", "--batch_size", "64", "--data", data];
    words = ["train-teacher", ...training, "--save_dir", join(gpu.root, "save")];
  });
  after(() => gpu?.remove());

  for (const [i, [title, fault, says, wanted]] of FAULTS.entries()) {
    it(`${title}: a sentence, an exit code, and a run that resumes`, async () => {
      const run = [...words, "--trial", `${i + 1}`];
      const { exitCode, stderr } = await gpu.pefd(run, { fault });
      assert.match(stderr, says);
      assert.equal(exitCode, wanted, stderr);
      assert.doesNotMatch(stderr, /defect of pefd|TF_Status|^ {4}at /m);
      const again = await gpu.pefd([...run, "--resume", "--json"]);
      assert.equal(again.exitCode, 0, again.stderr);
    });
  }
});
