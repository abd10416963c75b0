import assert from "node:assert/strict";
import { before, test } from "node:test";
import type { GraphNode } from "#pefd/compile/graph/graph.js";
import { ownBatchNorm } from "#pefd/compile/passes/ownBatchNorm.js";
import { passesOf } from "#pefd/compile/passes/passes.js";
import { batchNormTraining } from "#pefd/nn/batchNormalization.js";
import { floatAttribute, nativeBackend } from "#pefd/runtime/native.js";
import { ownOpsServe } from "#pefd/runtime/ownOps.js";
import { loadTensorFlow, type Tensor, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { through } from "./through.js";

before(() => {
  loadTensorFlow();
});

const node = (name: string, op: string, inputs: string[], isTraining: boolean): GraphNode => ({
  ...{ name, op, inputs },
  attributes: { epsilon: { float: 1e-5 }, is_training: { bool: isTraining } },
  shapes: [[2, 3, 3, 4], [4], [4], [4], [4], [0]],
});

test("batch normalisation in training and its gradient become ours, that of a frozen model stays", () => {
  const nodes = [
    node("held", "FusedBatchNormV3", ["x", "s", "o", "mean", "variance"], false),
    node("y", "FusedBatchNormV3", ["held", "s", "o", "none", "none"], true),
    node("running", "Mul", ["y:1", "y:2"], true),
    node("dx", "FusedBatchNormGradV3", ["dy", "held", "s", "y:3", "y:4", "y:5"], true),
    node("sum", "Add", ["dx", "y"], true),
  ];
  assert.deepEqual(
    through(ownBatchNorm, nodes).map(({ name, op, inputs }) => `${name} = ${op}(${inputs})`),
    [
      "held = FusedBatchNormV3(x,s,o,mean,variance)",
      "y = PefdBatchNorm(held,s,o)",
      "running = Mul(y:1,y:2)",
      "dx = PefdBatchNormGrad(dy,held,s,y:1,y:3)",
      "sum = Add(dx,y)",
    ],
  );
});

test("float32 keeps the bits of TensorFlow's batch normalisation on every machine", () => {
  const machine = { ownOps: true, matrixUnits: true, ownMatrices: true };
  assert.ok(passesOf("graph", "bfloat16", machine).includes(ownBatchNorm));
  assert.ok(!passesOf("graph", "float32", machine).includes(ownBatchNorm));
  const others = { ...machine, ownMatrices: false };
  assert.ok(!passesOf("graph", "bfloat16", others).includes(ownBatchNorm));
});

/** The largest difference of two tensors. */
const distance = (a: Tensor, b: Tensor): number =>
  tf.max(tf.abs(tf.sub(a, b))).dataSync()[0] as number;

test("our op and its gradient are TensorFlow's, but for the last bits", (t) => {
  if (!ownOpsServe()) return t.skip("our own ops are not made for this processor");
  const random = (seed: number, shape: number[]) => tf.randomNormal(shape, 1, 2, "float32", seed);
  const [x, dy] = [random(1, [4, 5, 5, 24]) as Tensor4D, random(2, [4, 5, 5, 24])];
  const [scale, offset] = [random(3, [24]), random(4, [24])];
  const expected = batchNormTraining(x, scale, offset);
  const gradients = tf.grads(
    (...of: Tensor[]) => batchNormTraining(of[0] as Tensor4D, of[1] as Tensor, of[2] as Tensor).y,
  )([x, scale, offset], dy);
  const { executeMultipleOutputs } = nativeBackend();
  const run = executeMultipleOutputs.bind(nativeBackend());
  const said = run("PefdBatchNorm", [floatAttribute("epsilon", 1e-5)], [x, scale, offset], 4);
  const [y, mean, variance, inverse] = said as [Tensor, Tensor, Tensor, Tensor];
  const own = run("PefdBatchNormGrad", [], [dy, x, scale, mean, inverse], 3);
  const pairs = [
    [y, expected.y],
    [mean, expected.mean],
    [variance, expected.variance],
    ...own.map((each, i) => [each, gradients[i]]),
  ] as [Tensor, Tensor][];
  for (const [ours, theirs] of pairs) {
    const off = distance(ours, theirs) / distance(theirs, tf.scalar(0));
    assert.ok(off < 2e-6, `${off}`);
  }
});
