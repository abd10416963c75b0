import assert from "node:assert/strict";
import { before, type TestContext, test } from "node:test";
import { observeLoopPasses } from "#pefd/compile/loop/recordLoop.js";
import { compile } from "#pefd/compile/program.js";
import type { Ahead, EngineName, Program, Step } from "#pefd/compile/types.js";
import { loadTensorFlow, type Tensor, tf, type Variable } from "#pefd/runtime/tf.js";
import { checkParts } from "../checkParts.js";
import { variable } from "../programs.js";

before(() => {
  loadTensorFlow();
});

/** One call may take six steps, in groups of three. */
const [MOST, GROUP] = [6, 3];

/** What a step makes of its input without anything that it changes. */
const scaled = (x: Tensor, scale: Variable): Tensor => tf.square(tf.mul(x, scale));

/** A step that needs `scaled`, given or not: sum = sum / 2 + scaled, and the last one of it. */
const steps =
  (scale: Variable, sum: Variable, last: Variable): Step =>
  ({ x, made }) => {
    const value = tf.sum(made ?? scaled(x as Tensor, scale), 0);
    return [
      [sum, tf.add(tf.mul(sum, 0.5), value)],
      [last, value],
    ];
  };

function programOf(
  t: TestContext,
  engine: EngineName,
  staticTripCount: boolean,
  changes: Partial<Ahead> = {},
): { program: Program; sum: Variable; last: Variable } {
  const scale = variable(t, [1, -2]);
  const sum = variable(t, [1, 1]);
  const last = variable(t, [0, 0]);
  const compute: Ahead["compute"] = ({ x }) => ({
    made: scaled(x as Tensor, scale),
    unused: tf.exp(x as Tensor),
  });
  const end = observeLoopPasses((parts, after) => checkParts(parts, after?.name ?? "recording"));
  t.after(end);
  const program = compile(engine, {
    name: "p",
    precision: "float32",
    staticTripCount,
    entries: {
      step: {
        step: steps(scale, sum, last),
        perStep: { x: { shape: [1, 2], dtype: "float32" } },
        shared: {},
        stepsPerCall: MOST,
        ahead: { steps: GROUP, takes: ["x"], compute, ...changes },
      },
    },
    variables: { all: [scale, sum, last] },
  });
  t.after(() => program.dispose());
  end();
  program.push("all");
  return { program, sum, last };
}

const CALLS = [6, 3, 1, 4, 5];

for (const known of [false, true]) {
  test(`rounds ${known ? "known" : "fed"}: what is computed ahead is that of each step, in whole groups and others`, (t) => {
    const [ours, reference] = [programOf(t, "xla", known), programOf(t, "eager", known)];
    let from = 0;
    for (const count of CALLS) {
      const x = Float32Array.from({ length: 2 * count }, () => Math.sin(++from));
      for (const { program } of [ours, reference]) {
        program.run("step", { x }, count);
        program.pull("all");
      }
      for (const name of ["sum", "last"] as const) {
        const [values, wanted] = [ours[name].dataSync(), reference[name].dataSync()];
        values.forEach((value, i) => {
          assert.ok(Math.abs(value - (wanted[i] as number)) < 1e-6, `${name} of ${count}: ${values}`);
        });
      }
    }
  });
}

test("calls that are no whole groups are refused", (t) => {
  assert.throws(() => programOf(t, "xla", true, { steps: 4 }), /6 steps are not a multiple of 4/);
});

test("nothing is computed ahead from what the steps change", (t) => {
  const scale = variable(t, [2]);
  const entry = {
    step: ({ made }: { made?: Tensor }) => [[scale, made ?? tf.mul(scale, 1)]] as const,
    perStep: { x: { shape: [1], dtype: "float32" } },
    shared: {},
    stepsPerCall: 4,
    ahead: {
      steps: 2,
      takes: ["x"],
      compute: ({ x }: { x?: Tensor }) => ({ made: tf.mul(x as Tensor, scale) }),
    },
  } as const;
  const description = {
    name: "p",
    precision: "float32",
    entries: { step: entry },
    variables: { all: [scale] },
  } as const;
  assert.throws(() => compile("xla", description as never), /which steps change/);
});
