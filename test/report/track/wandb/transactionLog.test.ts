import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { logOf, recordsOf } from "#pefd/report/track/wandb/transactionLog.js";

/** Made-up records of some sizes. */
const recordsOfSizes = (sizes: readonly number[]) =>
  sizes.map((size, i) => Uint8Array.from({ length: size }, (_, j) => (i + j) % 251));

/** SHA-256 of what the DataStore of wandb 0.19.11 writes of those records. Most of them end about where a block does. */
const GOLDEN: readonly (readonly [sizes: readonly number[], sha256: string])[] = [
  [[32754, 5], "b2a46e3abcda8c9aa5693c769dbe6a49004daa08d290f7851d979d259c3912d8"],
  [[32751, 5], "024b8df0ee12c3dcf957937a5dd29057dd7738f7709ac28cd7f2b41fd0556f1f"],
  [[32747, 5], "4b53dd22be09429dea191a2751d7d8e08959e0c89e8d5f290048b754ab0d898f"],
  [[32746, 5], "eb6e7a9ff5ff854febc6dfed9aa56fd73d780bae3bd9db9548aba636fb5aaf63"],
  [[100, 70000, 2], "517b4c74007d80b2ff57d62d0b2282a7e7dbb5a44c9e194aee48a27cbc21358f"],
  [[0, 1], "4b3de99f1fb283a4d831a68bd63746be733c69380672dc34a31e9605886d9377"],
];

describe("a log of W&B", () => {
  for (const [sizes, sha256] of GOLDEN) {
    it(`of records of ${sizes.join(", ")} bytes has wandb's bytes, and is read back`, () => {
      const records = recordsOfSizes(sizes);
      const log = logOf(records);
      assert.equal(createHash("sha256").update(log).digest("hex"), sha256);
      assert.deepEqual(
        recordsOf(log)?.map((record) => [...record]),
        records.map((r) => [...r]),
      );
    });
  }

  it("is none where a bit, the end or the head is wrong", () => {
    const log = logOf(recordsOfSizes([10, 40000]));
    const flipped = Buffer.from(log);
    flipped[20] = (flipped[20] ?? 0) ^ 1;
    assert.equal(recordsOf(flipped), undefined);
    for (const end of [3, 10, 5000, 32768, log.length - 1]) {
      assert.equal(recordsOf(log.subarray(0, end)), undefined, `${end} bytes`);
    }
    assert.equal(recordsOf(log.subarray(1)), undefined);
  });
});
