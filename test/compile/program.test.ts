import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { afterEach, before, test } from "node:test";
import { compile, engineNames } from "#pefd/compile/program.js";
import type { Step } from "#pefd/compile/types.js";
import { loadTensorFlow, type Tensor, tf } from "#pefd/runtime/tf.js";
import { temporaryFolder } from "../helpers/temporaryFolder.js";
import { entryOf, programOf, variable } from "./programs.js";

const { TMPDIR } = process.env;
before(() => {
  loadTensorFlow();
});
afterEach(() => {
  if (TMPDIR === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = TMPDIR;
});

for (const engine of engineNames()) {
  test(`${engine}: all new values are computed before the first is assigned`, (t) => {
    const a = variable(t, [1, 2]);
    const b = variable(t, [10, 20]);
    // Each becomes the other, plus the feed: a step that assigned at once would see its own result.
    const step: Step = ({ x }) => [
      [a, tf.add(b, x as Tensor)],
      [b, tf.add(a, x as Tensor)],
    ];
    const program = programOf(engine, [a, b], step, 3);
    assert.equal(program.engine, engine);
    program.push("all");
    program.run("step", { x: Float32Array.of(1, 1, 100, 100, 1000, 1000) }, 3);
    program.run("step", { x: Float32Array.of(0, 5) }, 1);
    program.pull("all");
    assert.deepEqual([...a.dataSync()], [1102, 1108]);
    assert.deepEqual([...b.dataSync()], [1111, 1126]);
    program.dispose();
  });

  test(`${engine}: a wrong call is refused by name and number`, (t) => {
    const a = variable(t, [1, 2]);
    const program = programOf(engine, [a], ({ x }) => [[a, tf.add(a, x as Tensor)]], 2);
    program.push("all");
    const run = (name: string, values: number[], steps: number) =>
      program.run(name, { x: Float32Array.from(values) }, steps);
    const range = (message: RegExp) => ({ name: "RangeError", message });
    assert.throws(() => run("step", [1, 2, 3], 1), range(/feed x has 3 elements instead of 2/));
    assert.throws(() => run("step", [1, 2], 2), range(/feed x has 2 elements instead of 4/));
    assert.throws(() => program.run("step", {}, 1), range(/feed x is missing/));
    assert.throws(() => run("steps", [1, 2], 1), range(/no entry steps/));
    assert.throws(() => run("step", [1, 2, 1, 2, 1, 2], 3), range(/takes 1 to 2 steps.*not 3/));
    assert.throws(() => run("step", [], 0), range(/takes 1 to 2 steps.*not 0/));
    program.run("step", { x: Float32Array.of(1, 1) }, 1);
    program.pull("all");
    assert.deepEqual([...a.dataSync()], [2, 3]); // what was refused changed nothing
    program.dispose();
  });

  test(`${engine}: a program frees all that it holds, and leaves no file`, (t) => {
    const a = variable(t, [1, 2]);
    const memory = tf.memory().numTensors;
    const folder = temporaryFolder(t);
    process.env.TMPDIR = folder;
    const program = programOf(engine, [a], ({ x }) => [[a, tf.add(a, x as Tensor)]]);
    program.push("all");
    program.run("step", { x: Float32Array.of(1, 1) }, 1);
    program.pull("all");
    program.dispose();
    assert.equal(tf.memory().numTensors, memory);
    assert.deepEqual([...a.dataSync()], [2, 3]);
    assert.deepEqual(readdirSync(folder), []);
  });
}

test("two entries share the variables of one program; two programs share none", (t) => {
  const a = variable(t, [1, 1]);
  const create = () =>
    compile("graph", {
      name: "p",
      precision: "float32",
      variables: { all: [a] },
      entries: {
        add: entryOf(({ x }) => [[a, tf.add(a, x as Tensor)]]),
        multiply: entryOf(({ x }) => [[a, tf.mul(a, x as Tensor)]]),
      },
    });
  const [first, second] = [create(), create()];
  for (const program of [first, second]) program.push("all");
  first.run("add", { x: Float32Array.of(2, 3) }, 1);
  first.run("multiply", { x: Float32Array.of(10, 10) }, 1);
  second.run("add", { x: Float32Array.of(1, 1) }, 1);
  first.pull("all");
  assert.deepEqual([...a.dataSync()], [30, 40]);
  second.pull("all");
  assert.deepEqual([...a.dataSync()], [2, 2]);
  first.dispose();
  assert.throws(() => first.run("add", { x: Float32Array.of(2, 3) }, 1));
  second.dispose();
});
