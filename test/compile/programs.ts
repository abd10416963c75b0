import type { TestContext } from "node:test";
import { compile } from "#pefd/compile/program.js";
import type { EngineName, Entry, Program, Step } from "#pefd/compile/types.js";
import { tf, type Variable } from "#pefd/runtime/tf.js";

/** A float32 variable that is gone when the test is over. */
export function variable(t: TestContext, values: readonly number[]): Variable {
  const made = tf.tidy(() => tf.variable(tf.tensor1d([...values])));
  t.after(() => made.dispose());
  return made;
}

/** An entry with one feed `x` of shape [2]. */
export const entryOf = (step: Step, stepsPerCall = 1): Entry => ({
  step,
  stepsPerCall,
  shared: {},
  perStep: { x: { shape: [2], dtype: "float32" } },
});

/** A program of one such entry, over one group of variables. */
export function programOf(
  engine: EngineName,
  variables: readonly Variable[],
  step: Step,
  stepsPerCall = 1,
  staticTripCount = false,
): Program {
  const entries = { step: entryOf(step, stepsPerCall) };
  return compile(engine, {
    name: "p",
    precision: "float32",
    entries,
    variables: { all: variables },
    staticTripCount,
  });
}
