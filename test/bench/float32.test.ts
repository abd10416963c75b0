import assert from "node:assert/strict";
import { test } from "node:test";
import { float32Notices, isExactFloat32 } from "#pefd/bench/bench.js";

test("float32 is exact where it is timed alone", () => {
  assert.equal(isExactFloat32(["float32"]), true);
  assert.equal(isExactFloat32(["bfloat16"]), false);
  assert.equal(isExactFloat32(["float32", "bfloat16"]), false);
  assert.equal(isExactFloat32([]), false, "the machine's own: both where it has both");
});

test("a GPU that may use TF32 is told of, with what to type; a processor has none", () => {
  const [line, ...others] = float32Notices(true, false);
  assert.match(line ?? "", /with TF32 .* --precision float32/);
  assert.deepEqual([others, float32Notices(true, true), float32Notices(false, false)], [[], [], []]);
});
