import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { floatConstant, type GraphNode, intConstant, placeholder } from "#pefd/compile/graph/graph.js";
import { type LoopParts, partsOf } from "#pefd/compile/loop/parts.js";
import type { RecordedStep } from "#pefd/compile/record/recordedStep.js";
import { loadTensorFlow } from "#pefd/runtime/tf.js";
import { checkGraph, problemsOf, problemsOfParts } from "../checkParts.js";
import { variable } from "../programs.js";

before(() => {
  loadTensorFlow();
});

const FLOAT = { type: 1 };
const INT = { type: 3 };

const binary = (name: string, op: string, a: string, b: string, shape = [2]): GraphNode => ({
  name,
  op,
  inputs: [a, b],
  attributes: { T: FLOAT },
  shapes: [shape],
});

/** The state plus a half of what is fed, and how large that is: [2] from [2]. */
function soundStep(t: TestContext): RecordedStep {
  const state = variable(t, [1, 2]);
  return {
    feeds: { x: "feed" },
    reads: new Map([[state, "read"]]),
    updates: [[state, "next"]],
    nodes: [
      placeholder("feed", FLOAT.type, [2]),
      {
        name: "read",
        op: "ReadVariableOp",
        inputs: ["handle"],
        shapes: [[2]],
        attributes: { dtype: FLOAT },
      },
      floatConstant("half", 0.5),
      binary("step", "Mul", "feed", "half"),
      binary("next", "AddV2", "read", "step"),
      intConstant("axis", 0),
      {
        name: "size",
        op: "Sum",
        inputs: ["step", "axis"],
        shapes: [[]],
        attributes: { T: FLOAT, Tidx: INT, keep_dims: { bool: false } },
      },
      {
        name: "halves",
        op: "Split",
        inputs: ["axis", "feed"],
        shapes: [[1], [1]],
        attributes: { T: FLOAT, num_split: { int: 2 } },
      },
      binary("both", "Mul", "halves:1", "halves:0", [1]),
    ],
  };
}

/** The same step with one node changed. */
const damaged = (step: RecordedStep, name: string, change: Partial<GraphNode>): RecordedStep => ({
  ...step,
  nodes: step.nodes.map((node) => (node.name === name ? { ...node, ...change } : node)),
});

test("a sound graph has no problems", (t) => {
  assert.deepEqual(problemsOf(soundStep(t)), []);
});

const DAMAGES: readonly [what: string, node: string, Partial<GraphNode>, problem: RegExp][] = [
  ["a name that is taken", "size", { name: "next" }, /^next \(Sum\): its name is taken$/],
  ["an input that is nowhere", "step", { inputs: ["feed", "third"] }, /^step .*: third is missing/],
  ["an input that comes later", "step", { inputs: ["feed", "next"] }, /^step .*: next is missing/],
  ["an output that a node does not have", "both", { inputs: ["halves:2", "feed"] }, /: halves:2 is missing/],
  ["waiting for a node that is nowhere", "next", { inputs: ["read", "step", "^gone"] }, /: \^gone is missing/],
  ["an input too many", "next", { inputs: ["read", "step", "half"] }, /: it has 3 inputs instead of 2/],
  ["an input too few", "size", { inputs: ["step"] }, /^size .*: it has 1 inputs instead of 2/],
  ["inputs in another order", "size", { inputs: ["axis", "step"] }, /input input has type 3 instead of 1/],
  ["a number as an axis", "size", { inputs: ["step", "half"] }, /input reduction_indices has type 1/],
  ["an attribute of another type", "next", { attributes: { T: INT } }, /^next .*: its input x has type 1 instead of 3/],
  ["no number of outputs", "halves", { attributes: { T: FLOAT } }, /do not say how many outputs/],
  ["another shape", "step", { shapes: [[1, 2]] }, /^step .*: its output 0 is stated as \[1, 2\] and is \[2\]/],
  ["a shape too many", "next", { shapes: [[2], [2]] }, /states 2 shapes for 1 outputs/],
  [
    "a constant of another type",
    "half",
    { attributes: { ...floatConstant("", 1).attributes, dtype: INT } },
    /its value has type 1, its attribute 3/,
  ],
  [
    "a constant with too few bytes",
    "half",
    {
      attributes: {
        dtype: FLOAT,
        value: { tensor: { dtype: FLOAT.type, shape: [2], bytes: new Uint8Array(4) } },
      },
      shapes: [[2]],
    },
    /its value has 4 bytes for \[2\]/,
  ],
  [
    "a feed that is no placeholder",
    "feed",
    { op: "Identity", inputs: [] },
    /the feed x is feed, which is no Placeholder/,
  ],
];

for (const [what, node, change, problem] of DAMAGES) {
  test(`${what} is found`, (t) => {
    const problems = problemsOf(damaged(soundStep(t), node, change));
    assert.ok(
      problems.some((one) => problem.test(one)),
      problems.join("\n") || "nothing was found",
    );
  });
}

test("new values that are not there, and of other shapes and types, are found", (t) => {
  const step = soundStep(t);
  const [state] = step.reads.keys();
  const updating = (ref: string) => problemsOf({ ...step, updates: [[state as never, ref]] }).join();
  assert.match(updating("gone"), /the new value of .*, gone, is missing/);
  assert.match(updating("size"), /has shape \[\] instead of \[2\]/);
  assert.match(updating("axis"), /has type 3/);
  assert.match(problemsOf({ ...step, reads: new Map([[state as never, "next"]]) }).join(), /is no ReadVariableOp/);
});

test("the error says after what a graph is damaged", (t) => {
  const step = damaged(soundStep(t), "next", { inputs: ["read"] });
  assert.throws(
    () => checkGraph(step, "addFusionBarriers"),
    /damaged after addFusionBarriers:\n {2}next \(AddV2\): it has 1/,
  );
});

test("of many problems twenty are told", (t) => {
  const step = soundStep(t);
  const broken = Array.from({ length: 25 }, (_, i) => binary(`broken${i}`, "Mul", "gone", "gone"));
  assert.throws(
    () => checkGraph({ ...step, nodes: [...step.nodes, ...broken] }),
    ({ message }: Error) => {
      assert.match(message, /^A graph is damaged after recording:\n/);
      assert.equal(message.split("\n").length, 1 + 20);
      return true;
    },
  );
});

test("damage of a loop's parts is found", (t) => {
  const parts = partsOf(soundStep(t), "p");
  assert.deepEqual(problemsOfParts(parts), []);
  const problems = (change: Partial<LoopParts>) => problemsOfParts({ ...parts, ...change }).join("\n");
  const [value] = parts.values;
  const becoming = (change: object) => problems({ values: [{ ...value, ...change } as never] });
  assert.match(problems({ before: [] }), /is to become p_read_0, which is missing/);
  assert.match(becoming({ next: "size" }), /p_value_0 becomes size of shape \[\]/);
  assert.match(becoming({ next: "gone" }), /is to become gone, which is missing/);
  assert.match(becoming({ type: INT.type }), /p_value_0 becomes p_read_0 of type 1/);
  assert.match(problems({ body: parts.body.slice(1) }), /half is missing before it/);
  assert.match(problems({ after: [binary("late", "Mul", "next", "p_value_0")] }), /next is missing/);
  assert.match(problems({ values: [] }), /p_value_0 is missing/);
});
