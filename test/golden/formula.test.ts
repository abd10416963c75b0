import assert from "node:assert/strict";
import { test } from "node:test";
import { formulaFill, signedValue, unitValue } from "./compare/formula.js";

test("the formula gives the values that its description lists", () => {
  const listed: [key: number, index: number, value: number][] = [
    [0, 0, 0],
    [0, 1, 1753845952 / 2 ** 32],
    [1, 0, 1834104592 / 2 ** 32],
    [61, 255, 1506308203 / 2 ** 32],
    [5000, 0, 704265211 / 2 ** 32],
    [9001, 12287, 1362775473 / 2 ** 32],
  ];
  for (const [key, index, value] of listed) {
    assert.equal(unitValue(key, index), value, `key ${key}, index ${index}`);
    assert.equal(signedValue(key, index), 2 * value - 1);
  }
});

test("state tensors are filled by role", () => {
  const fill = formulaFill();
  const conv = { name: "conv1.weight", role: "conv.weight", shape: [32, 3, 3, 3] } as const;
  const scale = { name: "bn1.weight", role: "bn.weight", shape: [32] } as const;
  const variance = { name: "bn1.running_var", role: "bn.running_var", shape: [32] } as const;
  const first = (values: Float32Array, count: number) => [...values.subarray(0, count)];
  assert.deepEqual(
    first(fill({ ...conv, fanIn: 27, position: 0 }), 4),
    [-0.33333334, -0.061100613, 0.21113211, -0.114726625].map(Math.fround),
  );
  assert.deepEqual(first(fill({ ...scale, fanIn: 32, position: 1 }), 2), [0.9854072, 0.93458414].map(Math.fround));
  assert.deepEqual(first(fill({ ...variance, fanIn: 32, position: 4 }), 2), [0.7659258, 0.6637461].map(Math.fround));
});
