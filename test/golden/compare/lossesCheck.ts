import type { EngineName } from "#pefd/compile/types.js";
import { gradientsOf } from "#pefd/learn/learner.js";
import { type Tensor, type Tensor2D, tf, type Variable } from "#pefd/runtime/tf.js";
import { type Check, checkNumber, mismatch, RELATIVE, withinRelative, withinScale } from "./comparison.js";
import { execute, type Feed, result } from "./execute.js";
import { formulaValues, signedValue, unitValue } from "./formula.js";
import { oneHotFeed } from "./inputs.js";
import { type LossInputs, type Term, termOf } from "./lossTerms.js";
import type { LossesGolden, LossInput } from "./schema.js";
import { checkSummary } from "./summary.js";

/** Compares the value and the gradients of every loss term of the file. */
export function checkLosses(golden: LossesGolden, engine: EngineName): Check[] {
  return Object.keys(golden.losses).flatMap((key) => {
    const term = termOf(key, golden.inputs);
    return term === undefined ? [mismatch(key, "is a loss unknown here")] : checkTerm(key, term, golden, engine);
  });
}

/** An input by its rule. */
function inputFeed({ k, rule, scale = 1, shape }: LossInput): Feed {
  const element = rule === "signed" ? signedValue : (key: number, i: number) => 2 * unitValue(key, i);
  return { values: formulaValues(shape, (i) => element(k, i) * scale), shape, dtype: "float32" };
}

function checkTerm(key: string, term: Term, golden: LossesGolden, engine: EngineName): Check[] {
  const { inputs, losses, spread } = golden;
  const expected = losses[key] as LossesGolden["losses"][string];
  const results = runTerm(term, inputs, engine);
  const value = result(results, "value").values[0] as number;
  return [
    checkNumber(`${key} value`, value, expected.value, withinRelative(spread.valueMaxRel)),
    ...Object.entries(expected.grads).flatMap(([name, summary]) => {
      const what = `${key} gradient of ${name}`;
      const actual = results[name];
      if (actual === undefined) return [mismatch(what, "is missing")];
      const scale = summary.l2 / Math.sqrt(actual.values.length);
      return checkSummary(what, actual, summary, {
        element: withinScale(0, RELATIVE, scale),
        norm: withinRelative(spread.gradL2MaxRel),
      });
    }),
  ];
}

/** The reference's name of a projector's tensor: projectors.0.weight is projector0.weight there. */
const referenceName = (name: string): string => name.replace(/^projectors\.(\d+)/, "projector$1");

function runTerm(term: Term, inputs: LossInputs, engine: EngineName) {
  const student = inputFeed(inputs[term.student]);
  const teacher =
    term.teacher === "labels"
      ? oneHotFeed(inputs.labels, inputs.logitS.shape[1] as number)
      : inputFeed(inputs[term.teacher]);
  const variable = tf.tidy(() => tf.variable(tf.tensor(student.values, [...student.shape])));
  const named: [string, Variable][] = [
    [term.student.replace(/\d+$/, ""), variable],
    ...term.state.map(({ name, variable }): [string, Variable] => [referenceName(name), variable as Variable]),
  ];
  try {
    return execute(engine, {
      variables: named.map(([, variable]) => variable),
      feeds: { teacher },
      describe: ({ teacher }) => {
        const { loss, gradients } = gradientsOf(
          () => ({
            loss: term.loss(variable as Tensor as Tensor2D, teacher as Tensor2D),
            kept: undefined,
            tensors: [],
          }),
          named.map(([, variable]) => variable),
        );
        const byName = named.map(([name], i) => [name, gradients[i] as Tensor]);
        return { value: loss, ...Object.fromEntries(byName) };
      },
    });
  } finally {
    for (const [, variable] of named) variable.dispose();
  }
}
