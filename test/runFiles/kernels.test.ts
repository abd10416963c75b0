import assert from "node:assert/strict";
import { test } from "node:test";
import { type Identity, identityDifferences, identitySha256, isOfIdentity } from "#pefd/runFiles/identity.js";

const EARLIER: Identity = {
  trainSha256: "1".repeat(64),
  testSha256: "2".repeat(64),
  engine: "graph",
  device: "cpu",
  numerics: 7,
  options: { batch_size: 64 },
};
const OURS: Identity = { ...EARLIER, kernels: "own" };
const THEIRS: Identity = { ...EARLIER, kernels: "tensorflow" };

test("two sets of kernels make two runs; a run of which nobody wrote them down is either", () => {
  assert.deepEqual(identityDifferences(OURS, THEIRS), ["the kernel set: own then, tensorflow now"]);
  for (const now of [EARLIER, OURS]) assert.deepEqual(identityDifferences(OURS, now), []);
  for (const now of [EARLIER, THEIRS]) assert.deepEqual(identityDifferences(EARLIER, now), []);
  assert.notEqual(identitySha256(OURS), identitySha256(THEIRS));
});

test("what a run kept before kernels were written down is still its own", () => {
  assert.ok(isOfIdentity(identitySha256(EARLIER), OURS));
  assert.ok(isOfIdentity(identitySha256(OURS), OURS));
  assert.ok(!isOfIdentity(identitySha256(THEIRS), OURS));
  assert.ok(!isOfIdentity(identitySha256(OURS), EARLIER));
  assert.ok(!isOfIdentity(identitySha256({ ...EARLIER, device: "gpu" }), OURS));
});
