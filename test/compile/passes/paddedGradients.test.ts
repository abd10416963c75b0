import assert from "node:assert/strict";
import { test } from "node:test";
import { type GraphNode, intConstant, placeholder } from "#pefd/compile/graph/graph.js";
import { padGradients } from "#pefd/compile/passes/paddedGradients.js";
import { through } from "./through.js";

const FLOAT = 1;

/** A convolution's op, stride 2 with one pixel around the images as PyTorch has it, or TensorFlow's SAME. */
const convolution = (name: string, op: string, inputs: string[], shape: number[], padding = "EXPLICIT"): GraphNode => ({
  name,
  op,
  inputs,
  shapes: [shape],
  attributes: {
    T: { type: FLOAT },
    strides: { ints: [1, 2, 2, 1] },
    padding: { string: padding },
    explicit_paddings: { ints: padding === "EXPLICIT" ? [0, 0, 1, 1, 1, 1, 0, 0] : [] },
  },
});

const scene = (size: number): GraphNode[] => [
  placeholder("x", FLOAT, [2, size, size, 16]),
  placeholder("w", FLOAT, [3, 3, 16, 32]),
  placeholder("dy", FLOAT, [2, 4, 4, 32]),
  intConstant("sizes", 0),
];

/** What each op reads and makes, without the constants. */
const outline = (nodes: readonly GraphNode[]) =>
  nodes
    .filter(({ op }) => op !== "Placeholder" && op !== "Const")
    .map(({ name, op, inputs, shapes, attributes }) => {
      const { padding } = attributes;
      const how = padding !== undefined && "string" in padding ? ` ${padding.string}` : "";
      return `${name} = ${op}(${inputs.join(", ")})${how} [${shapes?.[0]}]`;
    });

for (const size of [8, 7]) {
  test(`gradients of padded images of ${size} pixels are those of images padded to nine`, () => {
    const nodes = [
      ...scene(size),
      convolution("dx", "Conv2DBackpropInput", ["sizes", "w", "dy"], [2, size, size, 16]),
      convolution("dw", "Conv2DBackpropFilter", ["x", "sizes", "dy"], [3, 3, 16, 32]),
    ];
    const padded = through(padGradients, nodes);
    assert.deepEqual(outline(padded), [
      "dx/padded = Conv2DBackpropInput(dx/padded_sizes, w, dy) VALID [2,9,9,16]",
      `dx = Slice(dx/padded, dx/begin, dx/size) [2,${size},${size},16]`,
      "dw/padded = Pad(x, dw/sides) [2,9,9,16]",
      "dw = Conv2DBackpropFilter(dw/padded, sizes, dy) VALID [3,3,16,32]",
    ]);
    const constants = new Map(padded.map(({ name, attributes }) => [name, attributes.value]));
    const numbers = (name: string): number[] => {
      const value = constants.get(name);
      return value !== undefined && "tensor" in value
        ? [...new Int32Array(new Uint8Array(value.tensor.bytes).buffer)]
        : [];
    };
    assert.deepEqual(numbers("dx/padded_sizes"), [2, 9, 9, 16]);
    assert.deepEqual(numbers("dx/begin"), [0, 1, 1, 0]);
    assert.deepEqual(numbers("dw/sides"), [0, 0, 1, 9 - 1 - size, 1, 9 - 1 - size, 0, 0]);
  });
}

test("forward convolutions, and gradients that TensorFlow pads itself, stay as they are", () => {
  const nodes = [
    ...scene(8),
    convolution("y", "Conv2D", ["x", "w"], [2, 4, 4, 32]),
    convolution("dx", "Conv2DBackpropInput", ["sizes", "w", "dy"], [2, 8, 8, 16], "SAME"),
  ];
  assert.deepEqual(through(padGradients, nodes), nodes);
});

test("gradients of depthwise convolutions are padded before, too", () => {
  const nodes = [
    ...scene(8),
    placeholder("f", FLOAT, [3, 3, 16, 1]),
    placeholder("dz", FLOAT, [2, 4, 4, 16]),
    convolution("dx", "DepthwiseConv2dNativeBackpropInput", ["sizes", "f", "dz"], [2, 8, 8, 16]),
    convolution("dw", "DepthwiseConv2dNativeBackpropFilter", ["x", "sizes", "dz"], [3, 3, 16, 1]),
  ];
  assert.deepEqual(outline(through(padGradients, nodes)), [
    "dx/padded = DepthwiseConv2dNativeBackpropInput(dx/padded_sizes, f, dz) VALID [2,9,9,16]",
    "dx = Slice(dx/padded, dx/begin, dx/size) [2,8,8,16]",
    "dw/padded = Pad(x, dw/sides) [2,9,9,16]",
    "dw = DepthwiseConv2dNativeBackpropFilter(dw/padded, sizes, dz) VALID [3,3,16,1]",
  ]);
});
