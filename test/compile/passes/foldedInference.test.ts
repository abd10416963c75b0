import assert from "node:assert/strict";
import { test } from "node:test";
import { type GraphNode, placeholder } from "#pefd/compile/graph/graph.js";
import { foldInference } from "#pefd/compile/passes/foldedInference.js";
import { through } from "./through.js";

const IMAGES = [2, 4, 4, 16];
const FILTER = [3, 3, 16, 16];

const node = (name: string, op: string, inputs: string[], shape = IMAGES): GraphNode => ({
  name,
  op,
  inputs,
  attributes: { T: { type: 1 } },
  shapes: [shape],
});
const normalization = (isTraining: boolean): GraphNode => ({
  ...node("n", "FusedBatchNormV3", ["y", "gamma", "beta", "mean", "variance"]),
  attributes: { is_training: { bool: isTraining }, epsilon: { float: 0.5 } },
});
const step = (isTraining: boolean, ...more: GraphNode[]): GraphNode[] => [
  placeholder("x", 1, IMAGES),
  placeholder("w", 1, FILTER),
  ...["gamma", "beta", "mean", "variance"].map((name) => placeholder(name, 1, [16])),
  node("y", "PefdConv2D", ["x", "w"]),
  normalization(isTraining),
  node("r", "Relu", ["n"]),
  ...more,
];
const outline = (nodes: readonly GraphNode[]) =>
  through(foldInference, nodes)
    .filter(({ op }) => op !== "Placeholder")
    .map(({ name, op, inputs }) => `${name} = ${op}(${inputs.join(", ")})`);

test("an evaluation's batch normalisation goes into the filter and a bias", () => {
  assert.deepEqual(outline(step(false)), [
    "n/epsilon = Const()",
    "n/above_zero = AddV2(variance, n/epsilon)",
    "n/inverse = Rsqrt(n/above_zero)",
    "n/scale = Mul(n/inverse, gamma)",
    "n/filter = Mul(w, n/scale)",
    "n/moved = Mul(mean, n/scale)",
    "n/bias = Sub(beta, n/moved)",
    "y = PefdConv2D(x, n/filter)",
    "n = BiasAdd(y, n/bias)",
    "r = Relu(n)",
  ]);
  const made = through(foldInference, step(false));
  const shape = (name: string) => made.find((each) => each.name === name)?.shapes?.[0];
  assert.deepEqual([shape("n/filter"), shape("n/bias"), shape("n")], [FILTER, [16], IMAGES]);
});

test("training's, one whose convolution has other readers, and one whose statistics are read stay", () => {
  const untouched = ["y = PefdConv2D(x, w)", "n = FusedBatchNormV3(y, gamma, beta, mean, variance)"];
  for (const nodes of [
    step(true),
    step(false, node("s", "Square", ["y"])),
    step(false, node("s", "Square", ["n:1"], [16])),
  ]) {
    assert.deepEqual(outline(nodes).slice(0, 2), untouched);
  }
});
