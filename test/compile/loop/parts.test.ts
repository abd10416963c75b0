import assert from "node:assert/strict";
import { test } from "node:test";
import { constNode, type GraphNode } from "#pefd/compile/graph/graph.js";
import { type LoopParts, partsOf } from "#pefd/compile/loop/parts.js";
import { hoistInvariants, packUpdates } from "#pefd/compile/loop/recordLoop.js";
import type { RecordedStep } from "#pefd/compile/record/recordedStep.js";
import type { Variable } from "#pefd/runtime/tf.js";

const FLOAT = { type: 1 };
const BFLOAT16 = { type: 14 };

const variable = (name: string, shape: number[]): Variable => ({ name, shape }) as unknown as Variable;

const node = (
  name: string,
  op: string,
  inputs: string[],
  shape: number[],
  attributes: GraphNode["attributes"] = { T: FLOAT },
): GraphNode => ({ name, op, inputs, attributes, shapes: [shape] });

const scalar = (name: string, value: number): GraphNode =>
  constNode(name, { dtype: 1, shape: [], bytes: new Uint8Array(Float32Array.of(value).buffer) });

const cast = (name: string, input: string, shape: number[]): GraphNode =>
  node(name, "Cast", [input], shape, { SrcT: FLOAT, DstT: BFLOAT16 });

const outline = (nodes: readonly GraphNode[]) =>
  nodes.map(({ name, op, inputs }) => `${name} = ${op}(${inputs.join(", ")})`);

/** A learning weight and a frozen one, multiplied after casts. */
function frozenAndLearning(): LoopParts {
  const [frozen, learns] = [variable("frozen", [2]), variable("learns", [2])];
  const step: RecordedStep = {
    nodes: [
      node("read_f", "ReadVariableOp", ["f"], [2]),
      node("read_l", "ReadVariableOp", ["l"], [2]),
      cast("f16", "read_f", [2]),
      cast("l16", "read_l", [2]),
      node("wide", "Cast", ["f16"], [2], { SrcT: BFLOAT16, DstT: FLOAT }),
      node("y", "Mul", ["wide", "read_l"], [2]),
      node("z", "Custom", ["f16", "l16", "y"], [2]),
    ],
    feeds: {},
    reads: new Map([
      [frozen, "read_f"],
      [learns, "read_l"],
    ]),
    updates: [[learns, "z"]],
  };
  return partsOf(step, "p");
}

test("a frozen weight is cast once before the loop, and never made larger than it was", () => {
  const parts = hoistInvariants(frozenAndLearning());
  assert.deepEqual(outline(parts.before), [
    "p_read_0 = ReadVariableOp()",
    "p_read_1 = ReadVariableOp()",
    "f16/before = Cast(p_read_0)",
  ]);
  assert.deepEqual(
    parts.values.map(({ name, type, initial, next }) => [name, type, initial, next]),
    [
      ["p_value_1", 1, "p_read_1", "z"],
      ["f16", 14, "f16/before", undefined],
    ],
  );
  assert.deepEqual(outline(parts.body), [
    "l16 = Cast(p_value_1)",
    "wide = Cast(f16)",
    "y = Mul(wide, p_value_1)",
    "z = Custom(f16, l16, y)",
  ]);
});

/** Parameters p <- p - g * rate, one rate each. */
function descent(rates: readonly number[], gradientUsers: readonly GraphNode[] = []): LoopParts {
  const parameters = rates.map((_, i) => variable(`p${i}`, [2, 1 + i]));
  const shapeOf = (i: number) => [2, 1 + i];
  const step: RecordedStep = {
    nodes: rates
      .flatMap((rate, i) => [
        node(`r${i}`, "ReadVariableOp", [`h${i}`], shapeOf(i)),
        scalar(`rate${i}`, rate),
        node(`g${i}`, "Exp", [`r${i}`], shapeOf(i)),
        node(`s${i}`, "Mul", [`g${i}`, `rate${i}`], shapeOf(i)),
        node(`n${i}`, "Sub", [`r${i}`, `s${i}`], shapeOf(i)),
      ])
      .concat(gradientUsers),
    feeds: {},
    reads: new Map(parameters.map((parameter, i) => [parameter, `r${i}`])),
    updates: parameters.map((parameter, i) => [parameter, `n${i}`]),
  };
  return partsOf(step, "p");
}

test("updates of the same arithmetic become one, those of another stay", () => {
  const parts = packUpdates(descent([0.5, 0.5, 0.25]));
  const arithmetic = outline(parts.body).filter((line) => /= (Sub|Mul|Exp)/.test(line));
  assert.deepEqual(arithmetic, [
    "g0 = Exp(packed_0/read_0/piece_0)",
    "g1 = Exp(packed_0/read_0/piece_1)",
    "g2 = Exp(p_value_2)",
    "s2 = Mul(g2, rate2)",
    "n2 = Sub(p_value_2, s2)",
    "packed_0/node_0 = Mul(packed_0/input_0, rate0)",
    "packed_0/node_1 = Sub(packed_0/vector_0, packed_0/node_0)",
  ]);
  assert.deepEqual(
    parts.values.map(({ name, next }) => [name, next]),
    [
      ["p_value_2", "n2"],
      ["packed_0/vector_0", "packed_0/node_1"],
    ],
  );
  assert.deepEqual(
    parts.updates.map(([{ name }, ref]) => [name, ref]),
    [
      ["p0", "packed_0/last_0/piece_0"],
      ["p1", "packed_0/last_0/piece_1"],
      ["p2", "p_value_2"],
    ],
  );
});

test("what somebody else reads is not taken into a chain", () => {
  const parts = packUpdates(descent([0.5, 0.5], [node("seen", "Custom", ["s0"], [2, 1])]));
  const arithmetic = outline(parts.body).filter((line) => /= (Sub|Mul)/.test(line));
  assert.deepEqual(arithmetic, [
    "s0 = Mul(g0, rate0)",
    "n0 = Sub(p_value_0, s0)",
    "s1 = Mul(g1, rate1)",
    "n1 = Sub(p_value_1, s1)",
  ]);
});
