import assert from "node:assert/strict";
import { test } from "node:test";
import { toFloat32 } from "#pefd/checkpoint/float.js";
import { stateSha256 } from "#pefd/checkpoint/seal.js";
import type { ElementType, StateTensor } from "#pefd/common/stateDict.js";

const bytesOf = (array: ArrayBufferView): Uint8Array =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const tensorOf = (dtype: ElementType, array: ArrayBufferView & { length: number }): StateTensor => ({
  dtype,
  shape: [array.length],
  data: bytesOf(array),
});

const CASES: readonly (readonly [ElementType, ArrayBufferView & { length: number }, number[]])[] = [
  ["F32", Float32Array.of(1.5, -0, Number.NaN), [1.5, -0, Number.NaN]],
  ["F64", Float64Array.of(0.1, -1e40), [Math.fround(0.1), Number.NEGATIVE_INFINITY]],
  ["F16", Uint16Array.of(0x3c00, 0x8000, 0x0001, 0x83ff), [1, -0, 2 ** -24, -1023 * 2 ** -24]],
  ["F16", Uint16Array.of(0x7bff, 0xfc00, 0x7e00), [65504, Number.NEGATIVE_INFINITY, Number.NaN]],
  ["F16", Uint16Array.of(0x3555, 0x0400), [0.333251953125, 2 ** -14]],
  ["BF16", Uint16Array.of(0x3f80, 0xc040, 0xff80), [1, -3, Number.NEGATIVE_INFINITY]],
  ["I64", BigInt64Array.of(-3n, 1n << 40n), [-3, 2 ** 40]],
  ["I32", Int32Array.of(-7, 9), [-7, 9]],
  ["I16", Int16Array.of(-300), [-300]],
  ["I8", Int8Array.of(-128), [-128]],
  ["U8", Uint8Array.of(255), [255]],
  ["BOOL", Uint8Array.of(0, 1, 2), [0, 1, 1]],
];

for (const [dtype, array, values] of CASES) {
  test(`${dtype} to float32: ${values}`, () => {
    assert.deepEqual([...toFloat32(tensorOf(dtype, array))], values);
  });

  test(`${dtype} at an odd place of a file, in a Buffer: ${values}`, () => {
    const data = bytesOf(array);
    const file = Buffer.alloc(64);
    const start = (9 - (file.byteOffset % 8)) % 8;
    file.set(data, start);
    const moved = {
      dtype,
      shape: [values.length],
      data: file.subarray(start, start + data.length),
    };
    assert.deepEqual([...toFloat32(moved)], values);
  });
}

test("every bfloat16 is the float32 with the same upper bits", () => {
  const bits = Uint16Array.from({ length: 65536 }, (_, i) => i);
  const floats = toFloat32(tensorOf("BF16", bits));
  const back = new Uint32Array(floats.buffer, floats.byteOffset, floats.length);
  assert.deepEqual(
    back,
    Uint32Array.from(bits, (value) => value << 16),
  );
});

test("the checksum is that of the tensors' bytes one after the other", () => {
  const tensor = (text: string): StateTensor => ({
    dtype: "U8",
    shape: [text.length],
    data: new TextEncoder().encode(text),
  });
  const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  assert.equal(
    stateSha256(
      new Map([
        ["x", tensor("a")],
        ["y", tensor("bc")],
      ]),
    ),
    abc,
  );
  assert.notEqual(
    stateSha256(
      new Map([
        ["x", tensor("bc")],
        ["y", tensor("a")],
      ]),
    ),
    abc,
  );
});
