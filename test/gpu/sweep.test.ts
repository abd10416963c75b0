import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { GPUS, type Pretence } from "./pretended/pretence.js";
import { pretendGpu } from "./pretended/pretendedGpu.js";
import { checkpointOf } from "./runs/checkpoints.js";
import { eventsOf } from "./runs/events.js";
import { syntheticData } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

const TWO: Pretence = { gpus: [GPUS.h100, GPUS.rtx4090] };
/** Of Ampere and later alike: bfloat16. */
const NAMES = ["NVIDIA GeForce RTX 4090", "NVIDIA H100 80GB HBM3"];

test("a sweep gives each of its jobs a GPU of its own", { skip: noPretendedGpu() }, async (t) => {
  const gpu = pretendGpu();
  t.after(() => gpu.remove());
  const teacher = ["--path_t", await checkpointOf("resnet14", gpu.root), "--model_s", "resnet8"];
  const data = ["--data", await syntheticData(gpu, 32, 20), "--batch_size", "16", "--epochs", "1"];
  const words = ["sweep", ...teacher, ...data, "--distill", "kd", "--trials", "1-2", "--json"];
  const sweep = async (folder: string, ...more: string[]) => {
    const place = ["--save_dir", join(gpu.root, folder)];
    const { exitCode, stderr, events } = await gpu.pefd([...words, ...place, ...more], TWO);
    assert.equal(exitCode, 0, stderr);
    const used = eventsOf(events, "context").map(({ name }) => name);
    return { used: [...new Set(used)].sort(), stderr };
  };

  const both = await sweep("both", "--jobs", "2");
  assert.deepEqual(both.used, NAMES);
  assert.doesNotMatch(both.stderr, /--jobs/);

  const one = await sweep("one");
  assert.deepEqual(one.used, ["NVIDIA H100 80GB HBM3"]);
  assert.match(one.stderr, /1 of 2 GPUs is used: --jobs 2 uses all\./);

  assert.deepEqual((await sweep("other", "--gpu", "1", "--jobs", "2")).used, [NAMES[0]]);
});
