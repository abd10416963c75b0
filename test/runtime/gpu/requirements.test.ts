import assert from "node:assert/strict";
import { test } from "node:test";
import { firstFit, judgeGpu } from "#pefd/runtime/gpu/requirements.js";
import type { Gpu } from "#pefd/runtime/gpu/types.js";

const gpu = (name: string, capability: string | undefined, driver: string | undefined): Gpu => ({
  name,
  capability,
  driver,
});

test("GPUs from Turing to Hopper with their drivers fit", () => {
  for (const [capability, driver] of [
    ["7.5", "525.60.13"],
    ["8.9", "550.54.15"],
    ["9.0", "555.42.02"],
    ["9.0", "580.82.07"],
  ] as const) {
    assert.deepEqual(judgeGpu(gpu("GPU", capability, driver)), { fits: true });
  }
});

/** What does not fit, with a word of the reason and of what to do. */
const UNFIT: Record<string, [Gpu, RegExp, RegExp]> = {
  "too old a driver": [gpu("RTX 3090", "8.6", "515.65.01"), /driver 515.*525\.60\.13/, /driver to 525/],
  "a driver that will do for others": [
    gpu("H100", "9.0", "550.54.15"),
    /driver 550.*9\.0 needs 555\.42\.02.*CUDA 12\.5 PTX/,
    /driver to 555.*cuda-compat-12-9.*LD_LIBRARY_PATH/,
  ],
  "a driver before Blackwell": [gpu("RTX 5090", "12.0", "565.57.01"), /needs 570/, /570/],
  "too old a GPU": [gpu("Tesla V100", "7.0", "580.82.07"), /V100 has compute capability 7\.0.*7\.5/, /newer GPU/],
  "a GPU of the future": [gpu("GPU", "13.0", "700.1"), /compute capability 13\.0.*12\.1/, /another GPU/i],
};

for (const [what, [candidate, why, hint]] of Object.entries(UNFIT)) {
  test(`${what}: its own sentence, and what to do`, () => {
    const verdict = judgeGpu(candidate);
    assert.ok(!verdict.fits);
    assert.match(verdict.why, why);
    assert.match(verdict.hint, hint);
  });
}

test("a GPU that TensorFlow has no machine code for fits, and its long first use is said", () => {
  const verdict = judgeGpu(gpu("RTX 5090", "12.0", "580.82.07"));
  assert.ok(verdict.fits);
  assert.match(verdict.note ?? "", /30 minutes/);
});

test("where no driver's version is told, the CUDA version that it knows is held against it", () => {
  assert.ok(!judgeGpu(gpu("H100", "9.0", undefined), 12040).fits);
  assert.ok(judgeGpu(gpu("H100", "9.0", undefined), 12050).fits);
  assert.ok(judgeGpu(gpu("H100", "9.0", "560.35.03"), 12040).fits, "the driver's version comes first");
});

test("what nobody tells is not held against a GPU", () => {
  assert.deepEqual(judgeGpu(gpu("GPU", undefined, undefined)), { fits: true });
});

test("the first GPU that fits is preferred to those before it", () => {
  const old = gpu("Tesla K80", "3.7", "580.82.07");
  assert.equal(firstFit([old, gpu("RTX 4090", "8.9", "580.82.07")]), 1);
  assert.equal(firstFit([old]), 0);
});
