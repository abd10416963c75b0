import assert from "node:assert/strict";
import { test } from "node:test";
import { floatsOf, floatTensor, foldedNorms } from "#pefd/export/onnxFold.js";
import type { OnnxGraph, OnnxNode, OnnxTensor } from "#pefd/export/onnxModel.js";
import { quantizedActivations, quantizedGraph } from "#pefd/export/quantize.js";

const node = (op: string, inputs: string[], output: string, attributes: OnnxNode["attributes"] = {}): OnnxNode => ({
  op,
  inputs,
  outputs: [output],
  attributes,
});

/** Two convolutions of one pixel, biases, batch normalisation and a classifier. */
const GRAPH: OnnxGraph = {
  nodes: [
    node("Conv", ["images", "w1"], "first"),
    node("Relu", ["first"], "stem"),
    node("Conv", ["stem", "w2"], "second"),
    node("Add", ["second", "b2"], "biased"),
    node("BatchNormalization", ["biased", "scale", "offset", "mean", "variance"], "normed", {
      epsilon: { float: 1 },
    }),
    node("Relu", ["normed"], "map"),
    node("Gemm", ["map", "w3"], "logits"),
  ],
  constants: new Map([
    ["w1", floatTensor([1, 2], [2, 1, 1, 1])],
    ["w2", floatTensor([1, 2, 3, -4], [2, 2, 1, 1])],
    ["b2", floatTensor([10, 20], [2, 1, 1])],
    ["scale", floatTensor([2, 4])],
    ["offset", floatTensor([1, -1])],
    ["mean", floatTensor([10, 0])],
    ["variance", floatTensor([3, 0])],
    ["w3", floatTensor([1, -1], [2, 1])],
  ]),
  inputs: [{ name: "images", type: 1, shape: ["batch", 1, 1, 1] }],
  outputs: [{ name: "logits", type: 1, shape: ["batch", 1] }],
};

const valuesOf = ({ constants }: OnnxGraph, name: string) => [...floatsOf(constants.get(name) as OnnxTensor)];

test("biases and batch normalisation are folded into the layer before them", () => {
  const folded = foldedNorms(GRAPH);
  assert.deepEqual(
    folded.nodes.map(({ op, outputs }) => `${op} ${outputs}`),
    ["Conv first", "Relu stem", "Conv normed", "Relu map", "Gemm logits"],
  );
  const [, weight = "", bias = ""] = folded.nodes[2]?.inputs ?? [];
  // Factors 2 / sqrt(3 + 1) and 4 / sqrt(0 + 1).
  assert.deepEqual(valuesOf(folded, weight), [1, 2, 12, -16]);
  assert.deepEqual(valuesOf(folded, bias), [1, 79]);
  assert.deepEqual([folded.constants.has("w2"), folded.constants.has("mean")], [false, false]);
});

test("a convolution that something else reads, too, stays as it is", () => {
  const twice = { ...GRAPH, nodes: [...GRAPH.nodes, node("Relu", ["second"], "other")] };
  assert.equal(foldedNorms(twice).nodes.length, twice.nodes.length);
});

test("inner layers are quantised per channel; the first and the classifier compute in float32", () => {
  const folded = foldedNorms(GRAPH);
  assert.deepEqual(quantizedActivations(folded).sort(), ["map", "stem"]);
  const ranges = new Map([
    ["stem", { low: 0, high: 255 }],
    ["map", { low: -51, high: 204 }],
  ]);
  const { nodes, constants } = quantizedGraph(folded, ranges);
  const inputsOf = (output: string) => nodes.find(({ outputs }) => outputs[0] === output)?.inputs;
  assert.deepEqual(inputsOf("first"), ["images", "w1"]);
  const [activation, weight = "", bias = ""] = inputsOf("normed") ?? [];
  assert.equal(activation, "stem/float");
  const bytes = (name: string) => constants.get(name)?.bytes as Uint8Array;
  const [stored = "", scale = ""] = inputsOf(weight) ?? [];
  assert.deepEqual([...new Int8Array(bytes(stored).buffer)], [64, 127, 95, -127]);
  assert.deepEqual([...floatsOf(constants.get(scale) as OnnxTensor)], [2 / 127, 16 / 127].map(Math.fround));
  const [whole = ""] = inputsOf(bias) ?? [];
  assert.deepEqual([...new Int32Array(bytes(whole).buffer)], [64, 627]);
  assert.deepEqual([[...bytes("stem/zero")], [...bytes("map/zero")]], [[0], [51]]);
  const [read, classifier = ""] = inputsOf("logits") ?? [];
  assert.equal(read, "map/float");
  assert.deepEqual([...new Int8Array(bytes(inputsOf(classifier)?.[0] as string).buffer)], [127, -127]);
});
