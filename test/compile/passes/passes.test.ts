import assert from "node:assert/strict";
import { test } from "node:test";
import { floatConstant, type GraphNode, intConstant } from "#pefd/compile/graph/graph.js";
import { blockConstantFolding, expandSums, keepReductionOrder } from "#pefd/compile/passes/barriers.js";
import { frozenInBfloat16, reduceConvolutions, reduceProducts } from "#pefd/compile/passes/mixedPrecision.js";
import { passesOf } from "#pefd/compile/passes/passes.js";
import type { Variable } from "#pefd/runtime/tf.js";
import { through } from "./through.js";

const FLOAT = { type: 1 };
const INT = { type: 3 };
const BFLOAT16 = { type: 14 };

const node = (name: string, op: string, inputs: string[], type = FLOAT): GraphNode => ({
  name,
  op,
  inputs,
  attributes: { T: type },
});

const outline = (nodes: readonly GraphNode[]) =>
  nodes.map(({ name, op, inputs }) => `${name} = ${op}(${inputs.join(", ")})`);

test("a sum of a sum becomes a difference; single sums and sums of integers stay", () => {
  const nodes = [
    node("a", "AddV2", ["x", "y"]),
    node("b", "AddV2", ["a", "z"]),
    node("c", "AddV2", ["z", "b:0"]),
    node("i", "AddV2", ["k", "l"], INT),
    node("j", "AddV2", ["i", "l"], INT),
    node("m", "Mul", ["c", "c"]),
  ];
  assert.deepEqual(outline(through(keepReductionOrder, nodes)), [
    "a = AddV2(x, y)",
    "b/minus_one = Const()",
    "b/negated = Mul(z, b/minus_one)",
    "b = Sub(a, b/negated)",
    "c/minus_one = Const()",
    "c/negated = Mul(b:0, c/minus_one)",
    "c = Sub(z, c/negated)",
    "i = AddV2(k, l)",
    "j = AddV2(i, l)",
    "m = Mul(c, c)",
  ]);
});

test("sums of several tensors are additions from the first to the last", () => {
  const nodes = [node("s", "AddN", ["x", "y", "z:1"]), node("t", "AddN", ["s"]), node("i", "AddN", ["k", "l"], INT)];
  assert.deepEqual(outline(through(expandSums, nodes)), [
    "s/sum_0 = AddV2(x, y)",
    "s = AddV2(s/sum_0, z:1)",
    "t = AddN(s)",
    "i = AddN(k, l)",
  ]);
});

test("only where TensorFlow's graph optimizer runs are graphs guarded from it", () => {
  const machine = { ownOps: true, matrixUnits: false, reduced: undefined, bfloat16Activations: false };
  const names = (graphOptimizer: boolean) =>
    passesOf("graph", "float32", { ...machine, graphOptimizer }).map(({ name }) => name);
  const guards = ["keepReductionOrder", "addFusionBarriers", "blockConstantFolding"];
  assert.deepEqual(names(true), [...names(false), ...guards]);
  assert.ok(names(false).includes("expandSums"));
});

test("float constants are hidden under their own names, sizes are not", () => {
  const hidden = through(blockConstantFolding, [floatConstant("third", 3), intConstant("size", 2)]);
  assert.deepEqual(outline(hidden), [
    "third/value = Const()",
    "third = PlaceholderWithDefault(third/value)",
    "size = Const()",
  ]);
  assert.deepEqual(hidden[1]?.attributes, { dtype: FLOAT, shape: { shape: [] } });
});

test("bfloat16 encloses convolutions in casts, casts a tensor once and leaves sizes alone", () => {
  const nodes = [
    node("y", "Conv2D", ["x", "w"]),
    node("r", "Relu", ["y"]),
    node("dx", "Conv2DBackpropInput", ["sizes", "w", "r"]),
    node("dw", "Conv2DBackpropFilter", ["x", "filterSizes", "r"]),
  ];
  const reduced = through(reduceConvolutions, nodes);
  assert.deepEqual(outline(reduced), [
    "x/to_bfloat16 = Cast(x)",
    "w/to_bfloat16 = Cast(w)",
    "y/bfloat16 = Conv2D(x/to_bfloat16, w/to_bfloat16)",
    "y = Cast(y/bfloat16)",
    "r = Relu(y)",
    "r/to_bfloat16 = Cast(r)",
    "dx/bfloat16 = Conv2DBackpropInput(sizes, w/to_bfloat16, r/to_bfloat16)",
    "dx = Cast(dx/bfloat16)",
    "dw/bfloat16 = Conv2DBackpropFilter(x/to_bfloat16, filterSizes, r/to_bfloat16)",
    "dw = Cast(dw/bfloat16)",
  ]);
  const types = (name: string) => reduced.find((made) => made.name === name)?.attributes;
  assert.deepEqual(types("y/bfloat16"), { T: BFLOAT16 });
  assert.deepEqual(types("y"), { SrcT: BFLOAT16, DstT: FLOAT, Truncate: { bool: false } });
  assert.deepEqual(types("r"), { T: FLOAT });
});

test("products of matrices are in bfloat16 where asked for, second outputs keep names of their own", () => {
  const nodes = [node("p", "BatchMatMulV2", ["x:1", "w"])];
  assert.deepEqual(outline(through(reduceConvolutions, nodes)), ["p = BatchMatMulV2(x:1, w)"]);
  assert.deepEqual(outline(through(reduceProducts, nodes)), [
    "x_1/to_bfloat16 = Cast(x:1)",
    "w/to_bfloat16 = Cast(w)",
    "p/bfloat16 = BatchMatMulV2(x_1/to_bfloat16, w/to_bfloat16)",
    "p = Cast(p/bfloat16)",
  ]);
});

test("what is frozen stays in bfloat16 from convolution to convolution, what learns does not", () => {
  const variableOf = (name: string) => ({ name }) as unknown as Variable;
  const [frozen, learns] = [variableOf("frozen"), variableOf("learns")];
  const block = (name: string, weight: string): GraphNode[] => [
    node(`${name}c`, "Conv2D", ["x", weight]),
    node(`${name}b`, "BiasAdd", [`${name}c`, "bias"]),
    node(`${name}s`, "AddV2", [`${name}b`, `${name}c`]),
    node(`${name}r`, "Relu", [`${name}s`]),
    node(`${name}m`, "Mean", [`${name}r`, "axes"]),
  ];
  const nodes = through(reduceConvolutions, [
    node("x", "Relu", ["fed"]),
    node("t", "ReadVariableOp", ["handle_t"]),
    node("u", "ReadVariableOp", ["handle_u"]),
    ...block("t", "t"),
    ...block("u", "u"),
  ]);
  const step = frozenInBfloat16({
    nodes,
    feeds: {},
    reads: new Map([
      [frozen, "t"],
      [learns, "u"],
    ]),
    updates: [[learns, "um"]],
  });
  const between = outline(step.nodes).filter((line) => /^[tu][bsr]/.test(line));
  assert.deepEqual(between, [
    "tb/bfloat16 = BiasAdd(tc/bfloat16, bias/frozen_bfloat16)",
    "tb = Cast(tb/bfloat16)",
    "ts/bfloat16 = AddV2(tb/bfloat16, tc/bfloat16)",
    "ts = Cast(ts/bfloat16)",
    "tr/bfloat16 = Relu(ts/bfloat16)",
    "tr = Cast(tr/bfloat16)",
    "ub = BiasAdd(uc, bias)",
    "us = AddV2(ub, uc)",
    "ur = Relu(us)",
  ]);
  assert.ok(outline(step.nodes).includes("x = Relu(fed)")); // no convolution before it
  assert.ok(outline(step.nodes).includes("tm = Mean(tr, axes)"));
});
