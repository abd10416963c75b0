import assert from "node:assert/strict";
import { mkdirSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { smallDisk } from "../helpers/smallDisk.js";
import { GPUS, type Pretence } from "./pretended/pretence.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { checkpointOf } from "./runs/checkpoints.js";
import { type RunDocument, runToEnd, syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

// An evaluation's program stands for all: it compiles fastest.
describe("programs that XLA compiled for a GPU are kept, and never the reason why a run fails", {
  skip: noPretendedGpu(),
}, () => {
  let gpu: PretendedGpu;
  let words: readonly string[];

  before(async () => {
    gpu = pretendGpu();
    const data = await syntheticData(gpu, 10, 250);
    words = ["eval", "--checkpoint", await checkpointOf("resnet8", gpu.root), "--data", data];
  });
  after(() => gpu?.remove());

  /** Evaluates to the end. @returns the programs that were compiled, and what was said */
  const evaluate = async (pretence: Pretence = {}) => {
    const { programs, stderr } = await runToEnd<RunDocument>(gpu, words, pretence);
    assert.doesNotMatch(stderr, /^E\d{4} /m, "no line of the library's own errors");
    return { compiled: programs.length, said: stderr };
  };

  /** A cache's programs with their sizes. */
  const kept = (cache = join(gpu.root, "cache")): Map<string, number> => files(join(cache, "xla"));

  /** A folder's files with their sizes. */
  const files = (folder: string): Map<string, number> => {
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const paths = entries.filter((entry) => entry.isFile()).map(({ parentPath, name }) => join(parentPath, name));
    return new Map(paths.map((path) => [path, statSync(path).size]));
  };

  it("a second start compiles nothing", async () => {
    assert.ok((await evaluate()).compiled > 0);
    assert.equal((await evaluate()).compiled, 0);
  });

  it("a damaged one is compiled anew and replaced, and that is said", async () => {
    const before = kept();
    for (const [path, size] of before) truncateSync(path, Math.floor(size / 2));
    const { compiled, said } = await evaluate();
    assert.ok(compiled > 0);
    assert.match(said, /corrupt/);
    assert.deepEqual(kept(), before);
    assert.equal((await evaluate()).compiled, 0);
  });

  it("those of another GPU, driver or set of flags are left alone", async () => {
    const others: Pretence[] = [
      { gpus: [GPUS.rtx4090] },
      { gpus: [GPUS.h100.replace("580.82", "570.12")] },
      { env: { XLA_FLAGS: "--xla_gpu_autotune_level=0 --xla_gpu_deterministic_ops=true" } },
    ];
    for (const other of others) {
      const before = kept().size;
      assert.ok((await evaluate(other)).compiled > 0);
      assert.ok(kept().size > before);
    }
    assert.equal((await evaluate()).compiled, 0, "and the first is still there");
  });

  it("a run goes on with its own ones after the cache is gone", async () => {
    const save = join(gpu.root, "save");
    const training = ["--model", "resnet8", "--batch_size", "5", "--data", words.at(-1) as string, "--save_dir", save];
    const train = (epochs: number, ...options: string[]) =>
      runToEnd<RunDocument & { runDir: string; programsSha256: string }>(gpu, [
        "train-teacher",
        ...training,
        "--epochs",
        `${epochs}`,
        ...options,
      ]);
    const { document, programs } = await train(1);
    assert.ok(programs.length > 0);
    const own = files(join(document.runDir, "programs"));
    assert.ok(own.size > 0);
    assert.match(document.programsSha256, /^[0-9a-f]{64}$/);
    assert.equal((await train(2, "--resume")).programs.length, 0, "with both at hand");
    rmSync(join(gpu.root, "cache", "xla"), { recursive: true });
    const resumed = await train(3, "--resume");
    assert.equal(resumed.programs.length, 0, "nothing is compiled again");
    assert.equal(resumed.document.programsSha256, document.programsSha256);
    assert.deepEqual(files(join(document.runDir, "programs")), own);
  });

  it("a folder that cannot be written is said, and the run goes on", async () => {
    const cache = join(gpu.root, "unwritable");
    mkdirSync(cache);
    writeFileSync(join(cache, "xla"), "a file where a folder belongs");
    const { compiled, said } = await evaluate({ env: { PEFD_CACHE: cache } });
    assert.ok(compiled > 0);
    assert.match(said, /could not be cached/);
  });

  it("a full disk is said, and the run goes on", async (t) => {
    const cache = smallDisk(t, "64k");
    if (cache === undefined) return;
    const { compiled, said } = await evaluate({ env: { PEFD_CACHE: cache } });
    assert.ok(compiled > 0);
    assert.match(said, /could not be cached/);
    assert.equal(kept(cache).size, 0, "nothing half-written stays");
  });
});
