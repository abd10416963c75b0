import assert from "node:assert/strict";
import { test } from "node:test";
import { toBfloat16 } from "#pefd/compile/bfloat16.js";
import { floatConstant, type GraphNode, intConstant } from "#pefd/compile/graph.js";
import { hideConstants } from "#pefd/compile/opaqueConstants.js";
import { keepSumsOrdered } from "#pefd/compile/orderedSums.js";

const FLOAT = { type: 1 };
const INT = { type: 3 };
const BFLOAT16 = { type: 14 };

const node = (name: string, op: string, inputs: string[], type = FLOAT): GraphNode => ({
  ...{ name, op, inputs, attributes: { T: type } },
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
  assert.deepEqual(outline(keepSumsOrdered(nodes)), [
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

test("float constants are hidden under their own names, sizes are not", () => {
  const hidden = hideConstants([floatConstant("third", 3), intConstant("size", 2)]);
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
  const reduced = toBfloat16(nodes, "p");
  assert.deepEqual(outline(reduced), [
    "p/bfloat16_0 = Cast(x)",
    "p/bfloat16_1 = Cast(w)",
    "y/bfloat16 = Conv2D(p/bfloat16_0, p/bfloat16_1)",
    "y = Cast(y/bfloat16)",
    "r = Relu(y)",
    "p/bfloat16_2 = Cast(r)",
    "dx/bfloat16 = Conv2DBackpropInput(sizes, p/bfloat16_1, p/bfloat16_2)",
    "dx = Cast(dx/bfloat16)",
    "dw/bfloat16 = Conv2DBackpropFilter(p/bfloat16_0, filterSizes, p/bfloat16_2)",
    "dw = Cast(dw/bfloat16)",
  ]);
  const types = (name: string) => reduced.find((made) => made.name === name)?.attributes;
  assert.deepEqual(types("y/bfloat16"), { T: BFLOAT16 });
  assert.deepEqual(types("y"), { SrcT: BFLOAT16, DstT: FLOAT, Truncate: { bool: false } });
  assert.deepEqual(types("r"), { T: FLOAT });
});
