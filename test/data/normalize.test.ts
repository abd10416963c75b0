import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { CIFAR100_FORMAT } from "#pefd/data/cifar/row.js";
import { normalizationTable } from "#pefd/data/normalize.js";

test("the table equals PyTorch's float32 ToTensor and Normalize bit for bit", () => {
  const table = normalizationTable(CIFAR100_FORMAT.normalization);
  // Printed by PyTorch 2.13 for bytes 0, 128 and 255: uint8.float().div(255).sub_(mean).div_(std).
  const rows: Record<number, number[]> = {
    0: [-1.8957008123397827, -1.8974658250808716, -1.5965229272842407],
    128: [-0.01921185664832592, 0.059496354311704636, 0.22151684761047363],
    255: [1.8426167964935303, 2.001169443130493, 2.025352954864502],
  };
  for (const [value, row] of Object.entries(rows)) {
    assert.deepEqual([...table.subarray(Number(value) * 3, Number(value) * 3 + 3)], row);
  }
  // sha256 of all 256 x 3 values as PyTorch made them, little-endian.
  assert.equal(
    createHash("sha256").update(table).digest("hex"),
    "cd313d0af22a98686c873f8071edde539de8b4ee407362649781d58246cca356",
  );
});
