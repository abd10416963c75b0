import assert from "node:assert/strict";
import { test } from "node:test";
import { matchState } from "#pefd/checkpoint/match.js";
import { PefdError } from "#pefd/common/errors.js";
import { float32Tensor } from "#pefd/common/stateDict.js";

const origin = { path: "runs/x.pth", modelName: "resnet8x4" };
const tensorOf = (...shape: number[]) => float32Tensor(new Float32Array(shape.reduce((a, b) => a * b, 1)), shape);
const weight = (name: string, ...shape: number[]) => ({ name, shape, isCounter: false });

function complaint(expected: Parameters<typeof matchState>[0], names: Record<string, number[]>) {
  const state = new Map(Object.entries(names).map(([name, shape]) => [name, tensorOf(...shape)]));
  try {
    matchState(expected, state, origin);
  } catch (error) {
    assert.ok(error instanceof PefdError && error.exitCode === 2);
    return error.message;
  }
  return assert.fail("accepted");
}

test("tensors come in the model's order; a missing counter is 0", () => {
  const state = new Map([
    ["b", tensorOf(2)],
    ["a", tensorOf(3, 1)],
  ]);
  const counter = { name: "bn.num_batches_tracked", shape: [], isCounter: true };
  const matched = matchState([weight("a", 3, 1), weight("b", 2), counter], state, origin);
  assert.deepEqual([...matched.keys()], ["a", "b", "bn.num_batches_tracked"]);
  assert.equal(matched.get("a"), state.get("a"));
  assert.deepEqual(matched.get("bn.num_batches_tracked"), {
    dtype: "I64",
    shape: [],
    data: new Uint8Array(8),
  });
});

test("missing, unexpected and misshapen tensors are listed by name, with both shapes", () => {
  const expected = [weight("fc.weight", 100, 256), weight("fc.bias", 100), weight("conv1", 1)];
  const found = { "fc.weight": [10, 256], conv1: [1], extra: [1] };
  assert.equal(
    complaint(expected, found),
    [
      "runs/x.pth does not hold the tensors of resnet8x4:",
      "  missing (1): fc.bias",
      "  unexpected (1): extra",
      "  misshapen (1): fc.weight is [10, 256] instead of [100, 256]",
    ].join("\n"),
  );
});

test("as many missing tensors as misshapen ones do not cancel out", () => {
  assert.match(complaint([weight("a", 2), weight("b", 1)], { a: [3] }), /missing \(1\): b/);
});

test("ten names at most are listed, then a count", () => {
  const expected = Array.from({ length: 62 }, (_, i) => weight(`w${i}`, 1));
  const names = "w0, w1, w2, w3, w4, w5, w6, w7, w8, w9";
  assert.match(complaint(expected, {}), new RegExp(`missing \\(62\\): ${names} and 52 more$`));
});

test("a hostile name cannot forge lines of the message", () => {
  assert.match(complaint([], { "x\n\u001b[2J": [1] }), /unexpected \(1\): "x\\n\\u001b\[2J"$/);
});
