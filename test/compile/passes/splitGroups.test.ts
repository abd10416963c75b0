import assert from "node:assert/strict";
import { before, test } from "node:test";
import { type GraphNode, intConstant, placeholder } from "#pefd/compile/graph/graph.js";
import { useStandardOps } from "#pefd/compile/passes/standardOps.js";
import { compile } from "#pefd/compile/program.js";
import type { EngineName, Step } from "#pefd/compile/types.js";
import { groupedConv2d } from "#pefd/nn/layers.js";
import { loadTensorFlow, type Tensor, type Tensor4D, tf } from "#pefd/runtime/tf.js";
import { entryOf } from "../programs.js";
import { through } from "./through.js";

before(() => {
  loadTensorFlow();
});

const FLOAT = 1;

const convolution = (name: string, op: string, inputs: string[], shape: number[]): GraphNode => ({
  name,
  op,
  inputs,
  shapes: [shape],
  attributes: { T: { type: FLOAT } },
});

/** What each op reads and makes, without the constants. */
const outline = (nodes: readonly GraphNode[]) =>
  nodes
    .filter(({ op }) => op !== "Placeholder" && op !== "Const")
    .map(({ name, op, inputs, shapes }) => `${name} = ${op}(${inputs.join(", ")}) [${shapes?.[0]}]`);

const scene = (inputs: number): GraphNode[] => [
  placeholder("x", FLOAT, [2, 5, 5, 6]),
  placeholder("w", FLOAT, [1, 1, inputs, 4]),
  placeholder("dy", FLOAT, [2, 5, 5, 4]),
  intConstant("sizes", 0),
];

test("a convolution of groups and its gradients are TensorFlow's of each group", () => {
  const nodes = [
    ...scene(3),
    convolution("y", "PefdConv2D", ["x", "w"], [2, 5, 5, 4]),
    convolution("dx", "PefdConv2DBackpropInput", ["sizes", "w", "dy"], [2, 5, 5, 6]),
    convolution("dw", "PefdConv2DBackpropFilter", ["x", "sizes", "dy"], [1, 1, 3, 4]),
  ];
  assert.deepEqual(outline(through(useStandardOps, nodes)), [
    "y/split_0 = Split(y/axis, x) [2,5,5,3]",
    "y/split_1 = Split(y/axis, w) [1,1,3,2]",
    "y/group_0 = Conv2D(y/split_0, y/split_1) [2,5,5,2]",
    "y/group_1 = Conv2D(y/split_0:1, y/split_1:1) [2,5,5,2]",
    "y = ConcatV2(y/group_0, y/group_1, y/axis) [2,5,5,4]",
    "dx/split_1 = Split(dx/axis, w) [1,1,3,2]",
    "dx/split_2 = Split(dx/axis, dy) [2,5,5,2]",
    "dx/group_0 = Conv2DBackpropInput(dx/sizes, dx/split_1, dx/split_2) [2,5,5,3]",
    "dx/group_1 = Conv2DBackpropInput(dx/sizes, dx/split_1:1, dx/split_2:1) [2,5,5,3]",
    "dx = ConcatV2(dx/group_0, dx/group_1, dx/axis) [2,5,5,6]",
    "dw/split_0 = Split(dw/axis, x) [2,5,5,3]",
    "dw/split_2 = Split(dw/axis, dy) [2,5,5,2]",
    "dw/group_0 = Conv2DBackpropFilter(dw/split_0, dw/sizes, dw/split_2) [1,1,3,2]",
    "dw/group_1 = Conv2DBackpropFilter(dw/split_0:1, dw/sizes, dw/split_2:1) [1,1,3,2]",
    "dw = ConcatV2(dw/group_0, dw/group_1, dw/axis) [1,1,3,4]",
  ]);
});

test("a convolution of one group is TensorFlow's", () => {
  const nodes = [...scene(6), convolution("y", "PefdConv2D", ["x", "w"], [2, 5, 5, 4])];
  assert.deepEqual(outline(through(useStandardOps, nodes)), ["y = Conv2D(x, w) [2,5,5,4]"]);
});

/** A grouped convolution of some images and both gradients, as an engine computes them. */
function computed(engine: EngineName): Float32Array[] {
  const noise = (seed: number, shape: number[]) => tf.variable(tf.randomNormal(shape, 0, 1, "float32", seed), true);
  const [x, filter] = [noise(1, [2, 3, 3, 6]), noise(2, [1, 1, 2, 9])];
  const [y, dx, dw] = [[2, 3, 3, 9], x.shape, filter.shape].map((shape) => tf.variable(tf.zeros(shape)));
  const all = [x, filter, y, dx, dw] as never as [typeof x, typeof x, typeof x, typeof x, typeof x];
  const step: Step = () => {
    const convolve = (image: Tensor, weights: Tensor) =>
      groupedConv2d(image as Tensor4D, weights, { stride: 1, padding: 0, groups: 3 });
    const value = convolve(x, filter);
    const [ofImages, ofFilter] = tf.grads(convolve)([x, filter], value) as [Tensor, Tensor];
    return [
      [all[2], value],
      [all[3], ofImages],
      [all[4], ofFilter],
    ];
  };
  const program = compile(engine, {
    name: "groups",
    precision: "float32",
    staticTripCount: false,
    entries: { step: entryOf(step) },
    variables: { all },
  });
  program.push("all");
  program.run("step", { x: new Float32Array(2) }, 1);
  program.pull("all");
  program.dispose();
  const values = all.slice(2).map((one) => one.dataSync() as Float32Array);
  tf.dispose(all);
  return values;
}

test("every engine computes groups of a convolution, the graph with eager's bits", () => {
  const eager = computed("eager");
  assert.deepEqual(computed("graph"), eager);
  for (const [i, values] of computed("xla").entries()) {
    values.forEach((value, j) => {
      assert.ok(Math.abs(value - (eager[i]?.[j] as number)) < 1e-4, `${i}, ${j}: ${value}`);
    });
  }
});
