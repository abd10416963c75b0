import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { synthesize } from "#pefd/data/folder/row.js";
import { type PretendedGpu, pretendGpu } from "./pretended/pretendedGpu.js";
import { runToEnd } from "./runs/run.js";
import { noPretendedGpu } from "./runtime/runtimeTree.js";

/** Two calls of two steps. */
const [BATCH, STEPS_PER_CALL, CALLS] = [8, 2, 2];
const PIXELS = 32 * 32 * 3;
/** Bytes of a call's images. */
const IMAGES = STEPS_PER_CALL * BATCH * PIXELS;

describe("images from files on a pretended H100", { skip: noPretendedGpu() }, () => {
  let gpu: PretendedGpu;
  before(() => {
    gpu = pretendGpu();
  });
  after(() => gpu?.remove());

  it("the second call's images reach the GPU before the first call computes", async (t) => {
    const data = join(gpu.root, "images");
    await synthesize(data, { train: BATCH * STEPS_PER_CALL * CALLS, test: 2, seed: 5, classes: 2 });
    const words = ["train-teacher", "--model", "resnet8", "--dataset", "folder", "--image_size", "32", "--data", data];
    const size = ["--batch_size", `${BATCH}`, "--tb_freq", `${STEPS_PER_CALL}`, "--epochs", "1"];
    const { events } = await runToEnd(gpu, [...words, ...size, "--save_dir", join(gpu.root, "save")]);
    const copies = events.flatMap(({ kind, amount }, i) => (kind === "to-device" && amount === IMAGES ? [i] : []));
    // One compiles, on zeros.
    assert.equal(copies.length, 1 + CALLS);
    const launches = (from = 0, to = events.length) =>
      events.slice(from, to).filter(({ kind }) => kind === "launch").length;
    const [, first, second] = copies;
    t.diagnostic(`launches between both copies: ${launches(first, second)}, after them: ${launches(second)}`);
    assert.ok(launches(first, second) < 0.2 * launches(second));
  });
});
