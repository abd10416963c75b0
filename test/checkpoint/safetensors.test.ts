import assert from "node:assert/strict";
import { test } from "node:test";
import { parseSafetensors, serializeSafetensors } from "#pefd/checkpoint/safetensors.js";
import { PefdError } from "#pefd/common/errors.js";
import { float32Tensor, int64Scalar, type StateTensor } from "#pefd/common/stateDict.js";

/** A file with the given header text and number of data bytes. */
function fileOf(header: string, dataBytes = 0): Uint8Array {
  const text = new TextEncoder().encode(header);
  const file = new Uint8Array(8 + text.length + dataBytes);
  new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
  file.set(text, 8);
  return file;
}

const tensor = (name: string, begin: number, end: number, shape = `[${end - begin}]`) =>
  `"${name}":{"dtype":"U8","shape":${shape},"data_offsets":[${begin},${end}]}`;

const state = new Map<string, StateTensor>([
  ["flags", { dtype: "BOOL", shape: [3], data: Uint8Array.of(1, 0, 1) }],
  ["conv.weight", float32Tensor(Float32Array.of(1.5, -2, Number.NaN, 0), [2, 2])],
  ["10", { dtype: "F16", shape: [1], data: Uint8Array.of(0, 60) }],
  ["9", { dtype: "BF16", shape: [1], data: Uint8Array.of(128, 63) }],
  ["bn.num_batches_tracked", int64Scalar(7)],
  ["empty", { dtype: "F64", shape: [0, 5], data: new Uint8Array(0) }],
]);

test("names, order, types, shapes and bits survive a round trip, names like numbers included", () => {
  const metadata = new Map([
    ["note", 'quotes " and \n lines, ü'],
    ["2", "two"],
    ["1", "one"],
  ]);
  const back = parseSafetensors(serializeSafetensors(state, metadata));
  assert.deepEqual([...back.state.keys()], [...state.keys()]);
  for (const [name, wanted] of state) {
    const found = back.state.get(name);
    assert.deepEqual({ ...found, data: [...(found?.data ?? [])] }, { ...wanted, data: [...wanted.data] });
  }
  assert.deepEqual([...back.metadata], [...metadata]);
});

test("a header may have white space between all of its words", () => {
  const words =
    '{ | "a" | : | { | "dtype" | : | "U8" | , | "shape" | : | [ | 1 | , | 2 | ] | , | "data_offsets" | : | [ | 0 | , | 2 | ] | } | , | "__metadata__" | : | { | "x" | : | "y" | } | } | ';
  const { state: read, metadata } = parseSafetensors(fileOf(words.replaceAll(" | ", " \t\r\n "), 2));
  assert.deepEqual([...read.keys()], ["a"]);
  assert.deepEqual(read.get("a")?.shape, [1, 2]);
  assert.deepEqual([...metadata], [["x", "y"]]);
});

test("equal state gives equal bytes, and every tensor is aligned to its element size", () => {
  const bytes = serializeSafetensors(state);
  assert.deepEqual(bytes, serializeSafetensors(new Map(state)));
  for (const { data, dtype } of parseSafetensors(bytes).state.values())
    assert.equal(data.byteOffset % (dtype === "F32" ? 4 : dtype === "I64" ? 8 : 1), 0);
});

const REFUSED: Readonly<Record<string, readonly [Uint8Array, RegExp]>> = {
  "no room for the length": [Uint8Array.of(1, 2, 3), /8 bytes of length/],
  "a header longer than the file": [fileOf("{}").subarray(0, 9), /file ends before/],
  "a header of many gigabytes": [Uint8Array.of(0, 0, 0, 0, 9, 0, 0, 0, 0x7b), /claims 38654705664 bytes, more than/],
  "a header that is no UTF-8": [fileOf("{}").map((byte, i) => (i === 8 ? 0xff : byte)), /not UTF-8/],
  "a header that is no object": [fileOf("[]"), /"\{" expected at character 0/],
  "text after the header": [fileOf("{} x"), /end of the header expected/],
  "an unfinished header": [fileOf(`{${tensor("a", 0, 1)}`, 1), /"\}" expected/],
  "a bad escape": [fileOf('{"\\x":1}'), /JSON string expected/],
  "the same tensor twice": [fileOf(`{${tensor("a", 0, 1)},${tensor("a", 1, 2)}}`, 2), /"a" occurs twice/],
  "metadata twice": [fileOf('{"__metadata__":{},"__metadata__":{}}'), /occurs twice/],
  "the same key of metadata twice": [fileOf('{"__metadata__":{"a":"1","a":"2"}}'), /occurs twice in its metadata/],
  "metadata that is no text": [fileOf('{"__metadata__":{"a":1}}'), /expected at character/],
  "the same field twice": [
    fileOf('{"a":{"dtype":"U8","dtype":"U8","shape":[0],"data_offsets":[0,0]}}'),
    /dtype of "a" occurs twice/,
  ],
  "an unknown field": [fileOf('{"a":{"size":1}}'), /unknown field "size"/],
  "no offsets": [fileOf('{"a":{"dtype":"U8","shape":[0]}}'), /no dtype, shape and pair/],
  "no shape": [fileOf('{"a":{"dtype":"U8","data_offsets":[0,0]}}'), /no dtype, shape and pair/],
  "no dtype": [fileOf('{"a":{"shape":[0],"data_offsets":[0,0]}}'), /no dtype, shape and pair/],
  "one offset": [fileOf('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0]}}'), /no dtype, shape and pair/],
  "three offsets": [fileOf('{"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}'), /no dtype, shape and pair/],
  "an unknown element type": [
    fileOf('{"a":{"dtype":"F8_E5M2","shape":[0],"data_offsets":[0,0]}}'),
    /element type "F8_E5M2"/,
  ],
  "an element type that is a property of every object": [
    fileOf('{"a":{"dtype":"constructor","shape":[0],"data_offsets":[0,0]}}'),
    /element type "constructor"/,
  ],
  "a negative size": [fileOf(`{${tensor("a", 0, 1, "[-1]")}}`, 1), /whole number of 0 or more/],
  "a fractional size": [fileOf(`{${tensor("a", 0, 1, "[1.5]")}}`, 1), /expected/],
  "a size beyond 2^53": [fileOf(`{${tensor("a", 0, 1, "[9007199254740993]")}}`, 1), /2\^53/],
  "a size of 30 digits": [fileOf(`{${tensor("a", 0, 1, `[${"9".repeat(30)}]`)}}`, 1), /expected|2\^53/],
  "sizes whose product overflows": [
    fileOf(`{${tensor("a", 0, 1, "[4294967296,4294967296,4294967296]")}}`, 1),
    /sizes whose product is 7\.9.*e\+28/,
  ],
  "an end before the begin": [fileOf(`{${tensor("a", 1, 0, "[1]")}}`, 1), /span -1/],
  "a span that is not the shape's": [fileOf(`{${tensor("a", 0, 2, "[3]")}}`, 2), /takes 3 bytes/],
  "a tensor beyond the file": [fileOf(`{${tensor("a", 0, 5)}}`, 4), /"a" ends at byte 5 of the data, but only 4 bytes/],
  "a claim of terabytes": [fileOf(`{${tensor("a", 0, 2 ** 42)}}`, 4), /only 4 bytes/],
  "overlapping tensors": [fileOf(`{${tensor("a", 0, 3)},${tensor("b", 2, 4)}}`, 4), /overlaps/],
  "a hole": [fileOf(`{${tensor("a", 0, 1)},${tensor("b", 2, 4)}}`, 4), /bytes 1 to 2 .* no tensor/],
  "bytes after the last tensor": [fileOf(`{${tensor("a", 0, 1)}}`, 4), /take 1 bytes, but 4/],
  "65 dimensions": [fileOf(`{${tensor("a", 0, 1, `[${Array(65).fill(1)}]`)}}`, 1), /at most 64 numbers expected/],
};

for (const [what, [bytes, reason]] of Object.entries(REFUSED)) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => parseSafetensors(bytes),
      (error) => error instanceof PefdError && error.exitCode === 2 && reason.test(error.message),
    );
  });
}
