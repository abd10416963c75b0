import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { nodeBehind, nodesByName } from "#pefd/compile/graph/graph.js";
import { declareVariables } from "#pefd/compile/graph/variables.js";
import { singleStep } from "#pefd/compile/graphProgram.js";
import { compile } from "#pefd/compile/program.js";
import { recordStep } from "#pefd/compile/record/trace.js";
import type { EngineName, Entry, FeedValues, Step } from "#pefd/compile/types.js";
import { gatherRows, rowsUpdate } from "#pefd/nn/gather.js";
import { loadTensorFlow, type Tensor, type Tensor1D, tf, type Variable } from "#pefd/runtime/tf.js";

before(() => {
  loadTensorFlow();
});

const [ROWS, WIDTH, TAKEN] = [5, 2, 3];
const ENGINES: readonly EngineName[] = ["eager", "graph", "xla"];

function zeros(t: TestContext, shape: number[]): Variable {
  const made = tf.tidy(() => tf.variable(tf.zeros(shape), false));
  t.after(() => made.dispose());
  return made;
}

/** An entry that is fed which rows to write, and a value for each. */
const entryOf = (step: Step, stepsPerCall = 1): Entry => ({
  step,
  stepsPerCall,
  shared: {},
  perStep: {
    rows: { shape: [TAKEN], dtype: "int32" },
    values: { shape: [TAKEN], dtype: "float32" },
  },
});

/** Runs steps in one call. */
function run(engine: EngineName, variables: Variable[], step: Step, feeds: FeedValues): void {
  const steps = (feeds.rows as Int32Array).length / TAKEN;
  const values = new Float32Array(TAKEN * steps);
  const program = compile(engine, {
    name: "rows",
    precision: "float32",
    entries: { step: entryOf(step, steps) },
    variables: { all: variables },
  });
  program.push("all");
  program.run("step", { values, ...feeds }, steps);
  program.pull("all");
  program.dispose();
}

/** One number for each row of a table whose columns are alike. */
function columnOf(variable: Variable): number[] {
  const [, width = 1] = variable.shape;
  return Array.from(variable.dataSync()).filter((_, i) => i % width === 0);
}

/** Adds 1 to the rows, and shows what they were. */
const counting =
  (bank: Variable, seen: Variable): Step =>
  ({ rows }) => {
    const old = gatherRows(bank, rows as Tensor);
    return [rowsUpdate(bank, rows as Tensor1D, tf.add(old, 1)), [seen, old]];
  };

for (const engine of ENGINES) {
  test(`${engine}: a step writes the rows that it names, after all of its reads`, (t) => {
    const [bank, seen] = [zeros(t, [ROWS, WIDTH]), zeros(t, [TAKEN, WIDTH])];
    const rows = Int32Array.of(...[0, 1, 4], ...[4, 2, 0], ...[4, 0, 1]);
    run(engine, [bank, seen], counting(bank, seen), { rows });
    assert.deepEqual(columnOf(bank), [3, 2, 1, 0, 3]);
    assert.deepEqual(columnOf(seen), [2, 2, 1]);
  });

  test(`${engine}: of a row that is named twice the last value counts`, (t) => {
    const bank = zeros(t, [ROWS, WIDTH]);
    const step: Step = ({ rows, values }) => {
      const spread = tf.mul(tf.reshape(values as Tensor, [-1, 1]), tf.ones([1, WIDTH]));
      return [rowsUpdate(bank, rows as Tensor1D, spread)];
    };
    const feeds = { rows: Int32Array.of(3, 1, 3), values: Float32Array.of(7, 8, 9) };
    run(engine, [bank], step, feeds);
    assert.deepEqual(columnOf(bank), [0, 8, 0, 9, 0]);
  });

  test(`${engine}: a step may read the whole of what it writes rows of`, (t) => {
    const [bank, total] = [zeros(t, [ROWS, WIDTH]), zeros(t, [])];
    const step: Step = ({ rows }) => [
      rowsUpdate(bank, rows as Tensor1D, tf.ones([TAKEN, WIDTH])),
      [total, tf.add(total, tf.sum(bank))],
    ];
    run(engine, [bank, total], step, { rows: Int32Array.of(...[0, 1, 2], ...[2, 3, 4]) });
    assert.deepEqual(columnOf(total), [3 * WIDTH], "the sum of what was there before each step");
    assert.deepEqual(columnOf(bank), [1, 1, 1, 1, 1]);
  });
}

test("eager: what holds the values that a table began with keeps them", (t) => {
  const initial = tf.zeros([ROWS, WIDTH]);
  const bank = tf.variable(initial, false);
  t.after(() => tf.dispose([initial, bank]));
  const seen = zeros(t, [TAKEN, WIDTH]);
  const rows = Int32Array.of(...[0, 1, 2], ...[0, 1, 2]);
  run("eager", [bank, seen], counting(bank, seen), { rows });
  assert.ok(initial.dataSync().every((value) => value === 0));
  assert.deepEqual(columnOf(bank), [2, 2, 2, 0, 0]);
});

test("graph: the whole of a table is not read where only rows of it are", (t) => {
  const [bank, seen] = [zeros(t, [ROWS, WIDTH]), zeros(t, [TAKEN, WIDTH])];
  const variables = declareVariables({ all: [bank, seen] });
  const entry = entryOf(counting(bank, seen));
  const recorded = recordStep("step", entry, variables.handles);
  const { nodes } = singleStep("step", entry, recorded, variables, "float32");
  const byName = nodesByName(nodes);
  const needed = new Set<string>();
  const pending = ["step/done"];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const node = byName.get(name);
    if (node === undefined || needed.has(name)) continue;
    needed.add(name);
    pending.push(...node.inputs.map(nodeBehind));
  }
  const ops = new Set(Array.from(needed, (name) => byName.get(name)?.op));
  assert.ok(ops.has("ResourceScatterNdUpdate") && ops.has("ResourceGather"));
  assert.ok(!ops.has("ReadVariableOp") && !ops.has("TensorScatterUpdate"), [...ops].join());
});
