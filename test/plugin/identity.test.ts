import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { pluginsSha256 } from "#pefd/config/record.js";
import { type Identity, identityDifferences, identitySha256 } from "#pefd/runFiles/identity.js";

const sha256 = (text: string) => createHash("sha256").update(text).digest("hex");
const [ONE, TWO] = [sha256("one"), sha256("two")];

const RUN: Identity = {
  trainSha256: ONE,
  testSha256: TWO,
  engine: "graph",
  device: "cpu",
  numerics: 1,
  options: { batch_size: 64 },
};

test("a run without plug-ins has the identity that it had before there were any", () => {
  const before = [[ONE, TWO, null, "graph", "cpu", 1], [["batch_size", 64]]];
  assert.equal(identitySha256(RUN), sha256(JSON.stringify(before)));
  assert.notEqual(identitySha256({ ...RUN, pluginsSha256: ONE }), identitySha256(RUN));
});

test("a plug-in that is changed, added or left out makes another run", () => {
  const one = { ...RUN, pluginsSha256: ONE };
  assert.deepEqual(identityDifferences(one, one), []);
  const short = (text: string) => text.slice(0, 8);
  assert.deepEqual(identityDifferences(one, { ...RUN, pluginsSha256: TWO }), [
    `the plug-in: ${short(ONE)} then, ${short(TWO)} now`,
  ]);
  assert.deepEqual(identityDifferences(RUN, one), [`the plug-in: none then, ${short(ONE)} now`]);
  assert.deepEqual(identityDifferences(one, RUN), [`the plug-in: ${short(ONE)} then, none now`]);
});

test("the checksum of one plug-in is its own, that of several does not depend on their order", () => {
  const [one, two] = [{ sha256: ONE }, { sha256: TWO }];
  assert.equal(pluginsSha256([]), undefined);
  assert.equal(pluginsSha256([one]), ONE);
  assert.equal(pluginsSha256([one, two]), pluginsSha256([two, one]));
  assert.notEqual(pluginsSha256([one, two]), pluginsSha256([one]));
});
