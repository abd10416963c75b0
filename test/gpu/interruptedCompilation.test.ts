import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** Into the native call that compiles, which takes several seconds. */
const INTO_COMPILATION_MS = 1000;

describe("a signal while XLA compiles", { skip: noPretendedGpu() }, () => {
  let gpu: PretendedGpu;
  let words: readonly string[];

  before(async () => {
    gpu = pretendGpu();
    const data = await syntheticData(gpu, 128, 50);
    const training = ["--model", "resnet8", "--epochs", "1", "--data", data];
    words = ["train-teacher", ...training, "--save_dir", join(gpu.root, "save")];
  });
  after(() => gpu?.remove());

  it("ends the run in the middle of it, with 130 and what to type; the run goes on from there", async () => {
    const child = spawn(process.execPath, [join(gpu.project, "bin/pefd.js"), ...words], {
      env: gpu.environment(),
      cwd: gpu.root,
      stdio: ["ignore", "ignore", "pipe"],
    });
    let said = "";
    const compiling = new Promise<void>((done) => {
      child.stderr.on("data", (part: Buffer) => {
        said += part;
        if (said.includes("compiling with XLA: 1 of 2")) done();
      });
    });
    const ended = once(child, "close");
    await Promise.race([compiling, ended]);
    assert.match(said, /XLA compiles 2 programs for NVIDIA H100 80GB HBM3: none are cached yet/);
    await sleep(INTO_COMPILATION_MS);
    child.kill("SIGINT");
    assert.deepEqual(await ended, [130, null], said);
    assert.match(said, /Stopped by SIGINT\.\n {2}Resume with: node \S*pefd\.js train-teacher .* --resume\n$/);
    assert.doesNotMatch(said, /2 of 2|Kept in/, "nobody waited for the end of the compilation");
    const { exitCode, stderr } = await gpu.pefd([...words, "--resume"]);
    assert.equal(exitCode, 0, stderr);
  });
});
