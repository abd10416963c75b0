import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { test } from "node:test";
import { allOps } from "#pefd/ops/ops.js";
import { DT, intAttribute, nativeBackend, typeAttribute } from "#pefd/runtime/native.js";
import { hostAddress, ownInstructions } from "#pefd/runtime/ownModule.js";
import { loadTensorFlow, type Tensor, tf } from "#pefd/runtime/tf.js";
import { ROOT } from "../helpers/paths.js";
import { convolution, elementwise, type Geometry, random, sizes } from "./ops.js";

// Before the tests are declared: whether they are skipped is known only then.
loadTensorFlow();

const OWN = { skip: ownInstructions() === undefined && "no ops of our own on this CPU" };

const IMAGES = [2, 5, 6, 16];
const FILTER = [3, 3, 16, 32];
const RESULTS = [2, 5, 6, 32];
const POINTWISE = [1, 1, 16, 32];

const [ADD, UNKNOWN] = [0, 99];

/** Geometries that the op refuses when a node is created. */
const GEOMETRIES: readonly (readonly [Geometry, RegExp])[] = [
  [{ strides: [1, 3, 3, 1] }, /Strides must be 1 or 2, the same for rows and columns\./],
  [{ strides: [2, 1, 1, 1] }, /Strides must be 1 or 2/],
  [{ strides: [1, 1, 2, 1] }, /Strides must be 1 or 2/],
  [{ strides: [1] }, /Strides must be 1 or 2/],
  [{ dilations: [1, 2, 2, 1] }, /Dilations are not served\./],
  [{ padding: "EXPLICIT", pads: [0, 0, 2, 2, 2, 2, 0, 0] }, /explicit_paddings must be no pixel/],
  [{ padding: "EXPLICIT" }, /explicit_paddings must be eight numbers/],
  [{ pads: [0, 0, 1, 1, 1, 1, 0, 0] }, /explicit_paddings need padding EXPLICIT\./],
  [{ format: "NCHW" }, /NHWC/],
];

/** Padding that only fits filters of another size. */
const PADDINGS: readonly (readonly [number[], Geometry])[] = [
  [FILTER, { padding: "VALID" }],
  [FILTER, { strides: [1, 2, 2, 1], padding: "SAME" }],
  [FILTER, { padding: "EXPLICIT", pads: [0, 0, 0, 0, 0, 0, 0, 0] }],
  [POINTWISE, { padding: "EXPLICIT", pads: [0, 0, 1, 1, 1, 1, 0, 0] }],
];

const operands = (filter: number[]): Readonly<Record<string, Tensor[]>> => ({
  PefdConv2D: [random(IMAGES), random(filter)],
  PefdConv2DBackpropInput: [sizes(IMAGES), random(filter), random(RESULTS)],
  PefdConv2DBackpropFilter: [random(IMAGES), sizes(filter), random(RESULTS)],
});

test("convolutions refuse geometries that they do not compute, each with a sentence", OWN, () => {
  for (const [geometry, sentence] of GEOMETRIES) {
    for (const [op, inputs] of Object.entries(operands(FILTER))) {
      assert.throws(() => convolution(op, inputs, geometry), sentence, JSON.stringify(geometry));
    }
  }
});

test("padding that is not PyTorch's for the filter's size is refused, not ignored", OWN, () => {
  for (const [filter, geometry] of PADDINGS) {
    for (const [op, inputs] of Object.entries(operands(filter))) {
      const refused = () => convolution(op, inputs, geometry);
      assert.throws(refused, /Padding must be one pixel on all sides/, JSON.stringify(geometry));
    }
  }
});

test("shapes that do not fit are refused", OWN, () => {
  const call = (op: string, ...shapes: (number[] | Tensor)[]) => {
    const inputs = shapes.map((shape) => (Array.isArray(shape) ? random(shape) : shape));
    return () => convolution(op, inputs);
  };
  const input = "PefdConv2DBackpropInput";
  assert.throws(call("PefdConv2D", [2, 5, 6, 24], [3, 3, 24, 16]), /multiples of 16/);
  assert.throws(call("PefdConv2D", [2, 5, 6, 0], [3, 3, 0, 16]), /multiples of 16/);
  assert.throws(call("PefdConv2D", IMAGES, [5, 5, 16, 32]), /\[3, 3, inputs, outputs\] or \[1, 1/);
  assert.throws(call("PefdConv2D", [2, 5, 6, 32], FILTER), /with the filter's channels/);
  assert.throws(call("PefdConv2D", [5, 6, 16], FILTER), /Images must be \[N, H, W, C\]/);
  assert.throws(call("PefdConv2DBias", IMAGES, FILTER, [1, 32]), /one number per output channel/);
  assert.throws(call(input, sizes([2, 5, -6, 16]), FILTER, RESULTS), /no negative sizes/);
  assert.throws(call(input, sizes([2, 5, 6]), FILTER, RESULTS), /Images must be \[N, H, W, C\]/);
  assert.throws(call(input, sizes(IMAGES), FILTER, [2, 6, 5, 32]), /the sizes of the result/);
  const filter = "PefdConv2DBackpropFilter";
  for (const wrong of [[2, 6, 5, 32], [2, 5, 32], [], [1, 5, 6, 32], [2, 5, 6, 16]]) {
    assert.throws(call(filter, IMAGES, sizes(FILTER), wrong), /the sizes of the result/);
    assert.throws(call(input, sizes(IMAGES), FILTER, wrong), /the sizes of the result/);
  }
  for (const wrong of [
    [3, 3, 16, -32],
    [3, 3, 16],
    [0, 0, 16, 32],
  ]) {
    assert.throws(call(filter, IMAGES, sizes(wrong), RESULTS), /multiples of 16|\[3, 3, inputs, outputs\]/);
  }
});

test("programs of elementwise ops are checked when the op is made", OWN, () => {
  const x = random([2, 3]);
  assert.throws(() => elementwise([UNKNOWN, 0, 0], [1], [x]), /unknown opcode/);
  assert.throws(() => elementwise([-1, 0, 0], [1], [x]), /unknown opcode/);
  assert.throws(() => elementwise([ADD, 0], [1], [x]), /opcodes with two registers each/);
  assert.throws(() => elementwise([ADD, 0, 1], [1], [x]), /before it is written/);
  assert.throws(() => elementwise([ADD, 0, 0], [0], [x]), /what an instruction/);
  assert.throws(() => elementwise([ADD, 0, 0], [], [x]), /one register for each result/);
});

test("operands of as many elements in another shape are refused", OWN, () => {
  const other = () => elementwise([ADD, 0, 1], [2], [random([2, 3]), random([3, 2])]);
  assert.throws(other, /Operands must be scalars or have one shape\./);
});

test("a resize refuses boxes that do not lie in the image", OWN, () => {
  const image = tf.cast(tf.zeros([4, 5, 3], "int32"), "bool"); // one byte each, and no uint8 in TensorFlow.js
  const bytes = nativeBackend().executeSingleOutput(
    "Cast",
    [typeAttribute("SrcT", DT.bool), typeAttribute("DstT", DT.uint8)],
    [image],
  );
  const resize = (...numbers: number[]) =>
    nativeBackend().executeSingleOutput("PefdResize", [], [bytes, sizes(numbers)]);
  assert.throws(() => resize(0, 0, 5, 5, 2, 2, 0, 0, 2, 2, 0), /The box must lie in the image/);
  assert.throws(() => resize(0, 0, 4), /eleven numbers/);
  assert.deepEqual(resize(0, 0, 4, 5, 2, 3, 0, 0, 2, 3, 0).shape, [5]); // 18 bytes
});

test("memory is copied from its address, which is two numbers", OWN, () => {
  const values = Int32Array.from({ length: 6 }, (_, i) => i * i);
  const copy = (address: Tensor) =>
    nativeBackend().executeSingleOutput("PefdHostMemory", [intAttribute("shape", [3, 2])], [address]);
  const copied = copy(tf.tensor1d(hostAddress(values), "int32"));
  assert.deepEqual([copied.shape, [...copied.dataSync()]], [[3, 2], [...values]]);
  assert.throws(() => copy(tf.zeros([3], "int32")), /An address must be two int32/);
});

test("images of bytes are normalised as many as there are, by a table of all levels", OWN, () => {
  const normalize = (size: number, words: number[], table: number[]) =>
    nativeBackend().executeSingleOutput(
      "PefdNormalize",
      [intAttribute("size", size)],
      [tf.zeros(words, "int32"), tf.zeros(table)],
    );
  assert.deepEqual(normalize(9, [2, 3], [256, 3]).shape, [2, 9]);
  assert.deepEqual(normalize(9, [0, 3], [256, 3]).shape, [0, 9]);
  assert.throws(() => normalize(9, [2, 4], [256, 3]), /of as many bytes/);
  assert.throws(() => normalize(9, [6], [256, 3]), /of as many bytes/);
  assert.throws(() => normalize(9, [2, 3], [255, 3]), /256 levels/);
  assert.throws(() => normalize(10, [2, 3], [256, 3]), /three channels/);
});

test("images of none, and tensors of nothing", OWN, () => {
  const [x, dy] = [random([0, 5, 6, 16]), random([0, 5, 6, 32])];
  assert.deepEqual(convolution("PefdConv2D", [x, random(FILTER)]).shape, [0, 5, 6, 32]);
  const dfilter = convolution("PefdConv2DBackpropFilter", [x, sizes(FILTER), dy]);
  assert.equal(tf.max(tf.abs(dfilter)).arraySync(), 0);
  const sum = elementwise([ADD, 0, 1], [2], [tf.scalar(1), tf.zeros([0, 3])]);
  assert.deepEqual(sum[0]?.shape, [0, 3]);
  const scalar = elementwise([ADD, 0, 1], [2], [tf.scalar(1), tf.scalar(2)]);
  assert.deepEqual([scalar[0]?.shape, scalar[0]?.arraySync()], [[], 3]);
});

test("the compiler's opcodes are those of the op", () => {
  const kernels = readFileSync(resolve(ROOT, "src/native/kernels/kernels.h"), "utf8");
  const operations: string[] = /OPERATIONS\[OPCODES\] = \{([^}]*)\}/.exec(kernels)?.[1]?.match(/\w+/g) ?? [];
  for (const { name, opcode } of allOps()) {
    const isListed = opcode !== undefined || operations.includes(name);
    // Add is the sum of earlier versions of TensorFlow; AddV2 computes the same.
    if (isListed) assert.equal(operations[opcode ?? -1], name === "AddV2" ? "Add" : name);
  }
  assert.ok(operations.length > 0);
  assert.deepEqual(
    operations.filter((name) => !allOps().some((op) => op.name === name)),
    [],
  );
});
