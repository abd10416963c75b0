import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { type PretendedGpu, pretendGpu } from "./pretendedGpu.js";
import { noPretendedGpu } from "./runtimeTree.js";

const skip = noPretendedGpu();
let gpu: PretendedGpu;

before(() => {
  if (!skip) gpu = pretendGpu();
});
after(() => gpu?.remove());

test("doctor: an H100 is used", { skip }, async () => {
  const { stdout, stderr, exitCode } = await gpu.pefd(["doctor"]);
  assert.match(stdout, /^ok +GPU +NVIDIA H100 80GB HBM3, compute capability 9/m, stderr);
  assert.equal(exitCode, 0);
});
