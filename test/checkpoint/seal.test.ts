import assert from "node:assert/strict";
import { test } from "node:test";
import { sealed, unsealed } from "#pefd/checkpoint/seal.js";
import { float32Tensor, type StateDict } from "#pefd/common/stateDict.js";

const WEIGHT = float32Tensor(Float32Array.of(1, 2, 3, 4), [2, 2]);
const STATE: StateDict = new Map([
  ["conv.weight", WEIGHT],
  ["bn.bias", float32Tensor(Float32Array.of(5), [1])],
  ["fc.weight", float32Tensor(Float32Array.of(6), [1])],
]);
const METADATA = new Map([
  ["model", "resnet8"],
  ["epoch", "3"],
]);
const SEALED = sealed(STATE, METADATA);

test("a seal holds in whatever order tensors and metadata are, and goes when it is read", () => {
  const turned = new Map([...STATE].reverse());
  const read = unsealed(turned, new Map([...SEALED].reverse()));
  assert.equal(read.isSealed, true);
  assert.deepEqual(new Map(read.metadata), METADATA);
  assert.deepEqual(unsealed(STATE, METADATA), { metadata: METADATA, isSealed: false });
});

test("a seal is broken by another byte, name, shape, type or entry", () => {
  const others: [StateDict, ReadonlyMap<string, string>][] = [
    [new Map([...STATE, ["fc.weight", float32Tensor(Float32Array.of(7), [1])]]), SEALED],
    [new Map([...STATE].map(([name, tensor]) => [`a.${name}`, tensor])), SEALED],
    [new Map([...STATE, ["conv.weight", { ...WEIGHT, shape: [4] }]]), SEALED],
    [new Map([...STATE, ["conv.weight", { ...WEIGHT, dtype: "I32" }]]), SEALED],
    [new Map([...STATE].slice(1)), SEALED],
    [STATE, new Map([...SEALED, ["epoch", "4"]])],
    [STATE, new Map([...SEALED, ["more", ""]])],
  ];
  for (const [state, metadata] of others) {
    assert.throws(() => unsealed(state, metadata), /does not match its checksum/);
  }
});
