import assert from "node:assert/strict";
import { test } from "node:test";
import { permute4, sizeOf } from "#pefd/common/shapes.js";
import { ELEMENT_BYTES, float32Tensor, int64Scalar } from "#pefd/common/stateDict.js";

test("a shape's size is the product of its axes, that of a scalar 1", () => {
  assert.deepEqual([sizeOf([]), sizeOf([5]), sizeOf([2, 3, 4]), sizeOf([2, 0])], [1, 5, 24, 0]);
});

test("axes are permuted as an index says, in every order", () => {
  const shape = [2, 3, 4, 5] as const;
  const values = Float32Array.from({ length: 120 }, (_, i) => i);
  const at = (index: readonly number[]) => index.reduce((place, i, axis) => place * (shape[axis] as number) + i, 0);
  const orders = [0, 1, 2, 3].flatMap((a) =>
    [0, 1, 2, 3].flatMap((b) => [0, 1, 2, 3].map((c) => [a, b, c, 6 - a - b - c])),
  ) as [number, number, number, number][];
  const permutations = orders.filter((order) => new Set(order).size === 4);
  assert.equal(permutations.length, 24);
  for (const order of permutations) {
    const out = permute4(values, shape, order);
    const sizes = order.map((axis) => shape[axis] as number);
    let place = 0;
    for (let a = 0; a < (sizes[0] ?? 0); a++)
      for (let b = 0; b < (sizes[1] ?? 0); b++)
        for (let c = 0; c < (sizes[2] ?? 0); c++)
          for (let d = 0; d < (sizes[3] ?? 0); d++) {
            const from = [0, 0, 0, 0];
            [a, b, c, d].forEach((i, axis) => {
              from[order[axis] as number] = i;
            });
            assert.equal(out[place++], at(from), `${order}`);
          }
  }
});

test("tensors of a state are little-endian bytes of their type's size", () => {
  const sizes = { F64: 8, F32: 4, F16: 2, BF16: 2, I64: 8, I32: 4, I16: 2, I8: 1, U8: 1, BOOL: 1 };
  assert.deepEqual(ELEMENT_BYTES, sizes);
  const values = Float32Array.of(1, -2).subarray(1);
  const { dtype, shape, data } = float32Tensor(values, [1]);
  assert.deepEqual([dtype, shape, [...data]], ["F32", [1], [0, 0, 0, 0xc0]]);
  assert.equal(data.buffer, values.buffer, "shared, not copied");
  const counter = int64Scalar(258);
  assert.deepEqual([counter.dtype, counter.shape, [...counter.data]], ["I64", [], [2, 1, 0, 0, 0, 0, 0, 0]]);
});
