import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadTensorFlow, type Tensor, tf } from "#pefd/runtime/tf.js";
import { programOf, variable } from "../programs.js";

before(() => {
  loadTensorFlow();
});

/** The line of source that a message ends with: "... (file:///folder/name.js:12:34)." */
function namedLine(message: string): string {
  const [, url, line] = /\((file:.*):(\d+):\d+\)\.$/.exec(message) ?? [];
  assert.ok(url !== undefined, message);
  return readFileSync(fileURLToPath(url), "utf8").split("\n")[Number(line) - 1] ?? "";
}

/** Asserts that compiling fails, and that the message names the line of these tests with that text. */
function assertTraceError(compile: () => unknown, message: RegExp, source: string): void {
  const memory = tf.memory().numTensors;
  assert.throws(compile, (error: Error) => {
    assert.equal(error.name, "TraceError", error.stack);
    assert.match(error.message, message);
    assert.ok(namedLine(error.message).includes(source), error.message);
    return true;
  });
  assert.equal(tf.memory().numTensors, memory, "a failed recording leaves tensors behind");
}

test("a step that reads data is refused", (t) => {
  const total = variable(t, [0, 0]);
  const step = ({ x }: { x: Tensor }) => {
    const sum = tf.sum(x);
    if ((sum.dataSync()[0] as number) > 0) return [];
    return [[total, tf.add(total, x)]] as const;
  };
  const compile = () => programOf("graph", [total], step as never);
  assertTraceError(compile, /reads a tensor's values while it is recorded/, "dataSync");
});

test("a step that uses a tensor from outside is refused, and names the op", (t) => {
  const total = variable(t, [0, 0]);
  const outside = tf.tensor1d([1, 2]);
  t.after(() => outside.dispose());
  tf.dispose(tf.square(outside)); // brings it into the native library
  const step = ({ x }: { x: Tensor }) => [[total, tf.mul(x, outside)]] as const;
  const compile = () => programOf("graph", [total], step as never);
  assertTraceError(compile, /Mul uses a tensor that is neither a feed nor a variable/, "outside");
});

test("a step that uses host values from outside is refused", (t) => {
  const total = variable(t, [0, 0]);
  const fresh = tf.tensor1d([1, 2]); // no op has used it: it is still in JavaScript's memory
  t.after(() => fresh.dispose());
  const step = ({ x }: { x: Tensor }) => [[total, tf.mul(x, fresh)]] as const;
  const compile = () => programOf("graph", [total], step as never);
  assertTraceError(compile, /captures a tensor of shape \[2\] that was made before it/, "fresh");
});

test("a step that updates a variable of nobody is refused by the variable's name", (t) => {
  const total = variable(t, [0, 0]);
  const stranger = variable(t, [0, 0]);
  const step = ({ x }: { x: Tensor }) => [[stranger, tf.add(total, x)]] as const;
  const compile = () => programOf("graph", [total], step as never);
  const message = new RegExp(`updates ${stranger.name}, which is not among its variables`);
  assertTraceError(compile, message, "compile(engine"); // no op is at fault: who compiles it is named
});

test("the compiled loop refuses an op whose outputs it does not know, with op and line", (t) => {
  const total = variable(t, [0, 0]);
  const step = ({ x }: { x: Tensor }) => [[total, tf.ceil(x)]] as const;
  const compile = () => programOf("xla", [total], step as never, 4);
  assertTraceError(compile, /outputs of Ceil are not known/, "tf.ceil");
});

test("after a refusal the next step compiles and runs", (t) => {
  const total = variable(t, [1, 2]);
  assert.throws(() => programOf("graph", [total], () => [[total, tf.scalar(total.dataSync()[0] ?? 0)]]));
  const program = programOf("graph", [total], ({ x }) => [[total, tf.add(total, x as Tensor)]]);
  program.push("all");
  program.run("step", { x: Float32Array.of(10, 20) }, 1);
  program.pull("all");
  assert.deepEqual([...total.dataSync()], [11, 22]);
  program.dispose();
});
