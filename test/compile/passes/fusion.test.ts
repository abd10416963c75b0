import assert from "node:assert/strict";
import { before, test } from "node:test";
import { floatConstant, type GraphNode, placeholder } from "#pefd/compile/graph/graph.js";
import { fuseBatchNorm, fuseConvolutions, fuseElementwise } from "#pefd/compile/passes/fusion.js";
import { useStandardOps } from "#pefd/compile/passes/standardOps.js";
import type { RecordedStep } from "#pefd/compile/record/recordedStep.js";
import { loadTensorFlow, tf, type Variable } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const IMAGE = [2, 4, 4, 16];
const feed = (name: string, shape: readonly number[] = IMAGE): GraphNode => placeholder(name, 1, shape);

const node = (name: string, op: string, inputs: string[], shape = IMAGE): GraphNode => ({
  name,
  op,
  inputs,
  attributes: { T: { type: 1 } },
  shapes: [shape],
});

/** A step of those nodes that assigns the value of each reference. */
function stepOf(nodes: GraphNode[], ...assigned: string[]): RecordedStep {
  const updates = assigned.map((ref) => [tf.variable(tf.scalar(0)) as Variable, ref] as const);
  return { nodes, feeds: {}, reads: new Map(), updates };
}

const outline = ({ nodes }: Pick<RecordedStep, "nodes">) =>
  nodes
    .filter(({ op }) => op !== "Placeholder" && op !== "Const")
    .map(({ name, op, inputs }) => `${name} = ${op}(${inputs.join(", ")})`);

const assigned = ({ updates }: RecordedStep) => updates.map(([, ref]) => ref);

const CONVOLUTION = [
  feed("x"),
  feed("z"),
  feed("w", [3, 3, 16, 16]),
  feed("b", [16]),
  node("y", "PefdConv2D", ["x", "w"]),
  node("biased", "BiasAdd", ["y", "b"]),
];

test("a convolution takes its bias, a sum and ReLU along", () => {
  const nodes = [...CONVOLUTION, node("sum", "AddV2", ["biased", "z"]), node("r", "Relu", ["sum"])];
  assert.deepEqual(outline(fuseConvolutions(stepOf(nodes, "r"))), ["r = PefdConv2DBiasAddRelu(x, w, b, z)"]);
  const withoutSum = [...CONVOLUTION, node("r", "Relu", ["biased"])];
  assert.deepEqual(outline(fuseConvolutions(stepOf(withoutSum, "r"))), ["r = PefdConv2DBiasRelu(x, w, b)"]);
});

test("what somebody else looks at, and what only broadcasts, is not taken along", () => {
  const both = [...CONVOLUTION, node("r", "Relu", ["biased"]), node("s", "Square", ["biased"])];
  assert.deepEqual(outline(fuseConvolutions(stepOf(both, "r", "s"))), [
    "biased = PefdConv2DBias(x, w, b)",
    "r = Relu(biased)",
    "s = Square(biased)",
  ]);
  const read = fuseConvolutions(stepOf([...CONVOLUTION, node("r", "Relu", ["biased"])], "biased"));
  assert.deepEqual(outline(read), ["biased = PefdConv2DBias(x, w, b)", "r = Relu(biased)"]);
  const wider = [
    ...CONVOLUTION,
    feed("wide", [2, 2, 4, 4, 16]),
    node("sum", "AddV2", ["biased", "wide"], [2, 2, 4, 4, 16]),
  ];
  assert.deepEqual(outline(fuseConvolutions(stepOf(wider, "sum"))), [
    "biased = PefdConv2DBias(x, w, b)",
    "sum = AddV2(biased, wide)",
  ]);
});

test("of two convolutions whose sum is taken one takes it, and the other its bias", () => {
  const nodes = [
    ...CONVOLUTION,
    node("shortcut", "PefdConv2D", ["z", "w"]),
    node("biasedToo", "BiasAdd", ["shortcut", "b"]),
    node("sum", "AddV2", ["biased", "biasedToo"]),
    node("r", "Relu", ["sum"]),
  ];
  assert.deepEqual(outline(fuseConvolutions(stepOf(nodes, "r"))), [
    "biasedToo = PefdConv2DBias(z, w, b)",
    "r = PefdConv2DBiasAddRelu(x, w, b, biasedToo)",
  ]);
});

test("the gradient of a convolution's images takes a sum and the gradient of ReLU along", () => {
  const gradient = [
    ...["dy", "other", "features"].map((name) => feed(name)),
    feed("sizes", [4]),
    feed("w", [3, 3, 16, 16]),
    node("dx", "PefdConv2DBackpropInput", ["sizes", "w", "dy"]),
  ];
  const sum = node("sum", "AddV2", ["other", "dx"]);
  const relu = node("r", "ReluGrad", ["sum", "features"]);
  assert.deepEqual(outline(fuseConvolutions(stepOf([...gradient, sum, relu], "r"))), [
    "r = PefdConv2DBackpropInputAddReluGrad(sizes, w, dy, other, features)",
  ]);
  assert.deepEqual(outline(fuseConvolutions(stepOf([...gradient, sum], "sum"))), [
    "sum = PefdConv2DBackpropInputAdd(sizes, w, dy, other)",
  ]);
  const direct = node("r", "ReluGrad", ["dx", "features"]);
  assert.deepEqual(outline(fuseConvolutions(stepOf([...gradient, direct], "r"))), [
    "r = PefdConv2DBackpropInputReluGrad(sizes, w, dy, features)",
  ]);
  const turned = node("r", "ReluGrad", ["other", "dx"]);
  assert.deepEqual(outline(fuseConvolutions(stepOf([...gradient, turned], "r"))), [
    "dx = PefdConv2DBackpropInput(sizes, w, dy)",
    "r = ReluGrad(other, dx)",
  ]);
});

const NORMALIZATION = [
  ...["x", "z"].map((name) => feed(name)),
  ...["s", "o"].map((name) => feed(name, [16])),
  node("y", "PefdBatchNorm", ["x", "s", "o"]),
  node("running", "Mul", ["y:1", "y:2"], [16]),
];

test("a batch normalisation takes a sum and ReLU along, whoever reads its statistics", () => {
  const nodes = [
    ...NORMALIZATION,
    node("sum", "AddV2", ["z", "y"]),
    node("r", "Relu", ["sum"]),
    node("dx", "PefdBatchNormGrad", ["r", "x", "s", "y:1", "y:3"]),
  ];
  const joined = fuseBatchNorm(stepOf(nodes, "r", "running"));
  assert.deepEqual(outline(joined), [
    "y = PefdBatchNormAddRelu(x, s, o, z)",
    "running = Mul(y:1, y:2)",
    "dx = PefdBatchNormGrad(y, x, s, y:1, y:3)",
  ]);
  assert.deepEqual(assigned(joined), ["y", "running"]);
  const withoutSum = [...NORMALIZATION, node("r", "Relu", ["y"]), node("again", "Square", ["r"])];
  assert.deepEqual(outline(fuseBatchNorm(stepOf(withoutSum, "again"))), [
    "y = PefdBatchNormRelu(x, s, o)",
    "running = Mul(y:1, y:2)",
    "again = Square(y)",
  ]);
});

test("of two batch normalisations whose sum is taken, the second takes it; what comes later is not taken", () => {
  const two = [
    ...NORMALIZATION,
    node("q", "PefdBatchNorm", ["z", "s", "o"]),
    node("sum", "AddV2", ["y", "q"]),
    node("r", "Relu", ["sum"]),
  ];
  assert.deepEqual(outline(fuseBatchNorm(stepOf(two, "r"))), [
    "y = PefdBatchNorm(x, s, o)",
    "running = Mul(y:1, y:2)",
    "q = PefdBatchNormAddRelu(z, s, o, y)",
  ]);
  const read = stepOf([...NORMALIZATION, node("r", "Relu", ["y"])], "r", "y");
  assert.deepEqual(outline(fuseBatchNorm(read)), outline(read));
  const later = stepOf([...NORMALIZATION, node("late", "Square", ["x"]), node("sum", "AddV2", ["y", "late"])], "sum");
  assert.deepEqual(outline(fuseBatchNorm(later)), outline(later));
});

test("TensorFlow's convolutions are left alone, and ours become them again", () => {
  const theirs = useStandardOps(stepOf([...CONVOLUTION, node("r", "Relu", ["biased"])], "r"));
  const expected = ["y = Conv2D(x, w)", "biased = BiasAdd(y, b)", "r = Relu(biased)"];
  assert.deepEqual(outline(theirs), expected);
  assert.deepEqual(outline(fuseConvolutions(theirs)), expected);
});

test("the update of a parameter becomes one op with two results", () => {
  const nodes = [
    ...["g", "p", "v"].map((name) => feed(name)),
    feed("rate", []),
    floatConstant("decay", -0.5),
    floatConstant("momentum", 0.9),
    node("pd", "Mul", ["p", "decay"]),
    node("d", "Sub", ["g:0", "pd"]),
    node("vm", "Mul", ["v", "momentum"]),
    node("next", "AddV2", ["vm", "d"]),
    node("step", "Mul", ["next", "rate"]),
    node("new", "Sub", ["p", "step"]),
  ];
  const step = fuseElementwise(stepOf(nodes, "next", "new"));
  assert.deepEqual(outline(step), ["new = PefdElementwise(p, decay, g:0, v, momentum, rate)"]);
  assert.deepEqual(assigned(step), ["new", "new:1"]);
  const { program, registers, N, M } = step.nodes.at(-1)?.attributes ?? {};
  // Codes 0 +, 1 -, 2 *; registers 0-5 are the operands.
  const instructions = [2, 0, 1, 1, 2, 6, 2, 3, 4, 0, 8, 7, 2, 9, 5, 1, 0, 10];
  assert.deepEqual(program, { ints: instructions });
  assert.deepEqual([registers, N, M], [{ ints: [9, 11] }, { int: 6 }, { int: 2 }]);
});

test("what lies around another op stays apart: together they would wait for themselves", () => {
  const nodes = [
    ...["x", "y"].map((name) => feed(name)),
    node("a", "Mul", ["x", "y"]),
    node("b", "Sub", ["a", "x"]),
    node("s", "Softmax", ["b"]),
    node("c", "AddV2", ["a", "s"]),
    node("d", "Mul", ["c", "c"]),
  ];
  const step = fuseElementwise(stepOf(nodes, "d"));
  assert.deepEqual(outline(step), ["b = PefdElementwise(x, y)", "s = Softmax(b:1)", "d = PefdElementwise(b, s)"]);
});

test("single ops, whole numbers and sums of different shapes stay as they are", () => {
  const integer = { ...node("i", "AddV2", ["k", "k"]), attributes: { T: { type: 3 } } };
  const nodes = [
    feed("x"),
    feed("row", [16]),
    feed("k"),
    node("m", "Mul", ["x", "x"]),
    node("s", "Softmax", ["m"]),
    node("e", "AddV2", ["s", "row"]),
    integer,
    { ...node("j", "Mul", ["i", "i"]), attributes: { T: { type: 3 } } },
  ];
  const step = stepOf(nodes, "e", "j");
  assert.deepEqual(outline(fuseElementwise(step)), outline(step));
});
