import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import type { GraphNode } from "#pefd/compile/graph/graph.js";
import { ANY_SIZE, type ForwardDescription, recordForward, repeatForward } from "#pefd/compile/record/forwardGraph.js";
import { loadTensorFlow, type Tensor2D, tf, type Variable } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const FLOAT = 1;

/** relu(x w + b) and its sum over classes: [N, 3] to [N, 2] and [N]. */
function describedModel(t: TestContext): ForwardDescription<"logits" | "sum"> {
  const w = tf.tidy(() => tf.variable(tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2])));
  const b = tf.tidy(() => tf.variable(tf.tensor1d([0.5, -0.5])));
  t.after(() => tf.dispose([w, b]));
  return {
    prefix: "model",
    inputShape: [3],
    weights: new Map<Variable, string>([
      [w, "weights/w"],
      [b, "weights/b"],
    ]),
    outputNames: ["logits", "sum"],
    outputs: (x) => {
      const logits = tf.relu(tf.add(tf.matMul(x as Tensor2D, w as unknown as Tensor2D), b));
      return { logits, sum: tf.sum(logits, 1) };
    },
  };
}

test("input and outputs take batches of any size, and keep their other sizes", (t) => {
  const { input, outputs, nodes } = recordForward(describedModel(t));
  assert.deepEqual(input, { tensor: "model/feed/batch:0", dtype: FLOAT, shape: [ANY_SIZE, 3] });
  const shapes = Object.entries(outputs).map(([name, { dtype, shape }]) => [name, dtype, shape]);
  assert.deepEqual(shapes, [
    ["logits", FLOAT, [ANY_SIZE, 2]],
    ["sum", FLOAT, [ANY_SIZE]],
  ]);
  const feed = nodes.find(({ name }) => name === "model/feed/batch");
  assert.deepEqual(feed?.attributes.shape, { shape: [ANY_SIZE, 3] });
});

test("weights are constants of their names, with their values, and no variable is read", (t) => {
  const { nodes } = recordForward(describedModel(t));
  assert.ok(nodes.every(({ op }) => op !== "ReadVariableOp"));
  const constant = nodes.find(({ name }) => name === "weights/b") as GraphNode;
  assert.equal(constant.op, "Const");
  const { tensor } = constant.attributes.value as { tensor: { bytes: Uint8Array } };
  assert.deepEqual([...new Float32Array(tensor.bytes.slice().buffer)], [0.5, -0.5]);
  assert.ok(nodes.some(({ inputs }) => inputs.includes("weights/b")));
});

test("a repeated computation stands behind another node and shares the weights", (t) => {
  const graph = recordForward(describedModel(t));
  const again = repeatForward(graph, "model", "bytes", "bytes/normalized");
  const names = new Set(again.nodes.map(({ name }) => name));
  assert.ok([...names].every((name) => name.startsWith("bytes/")));
  const outside = again.nodes.flatMap(({ inputs }) => inputs).filter((ref) => !names.has(ref));
  const wanted = ["bytes/normalized", "weights/b", "weights/w"];
  assert.deepEqual([...new Set(outside)].sort(), wanted);
  assert.deepEqual(again.outputs.sum?.shape, [ANY_SIZE]);
  assert.ok(names.has(again.outputs.sum?.tensor.replace(/:0$/, "") ?? ""));
});
