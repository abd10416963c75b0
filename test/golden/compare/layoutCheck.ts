import { sizeOf } from "#pefd/common/shapes.js";
import { isParameter, toPyTorchLayout } from "#pefd/nn/builder.js";
import type { StateEntry } from "#pefd/nn/model.js";
import { type Check, checkNumber, checkSame, mismatch } from "./comparison.js";
import type { ModelGolden } from "./schema.js";

/** Sums over the state are given to ten digits; a sum of both signs is as exact as the norm of what it adds. */
const STATE_CHECK_RELATIVE = 1e-8;

/** Compares names, shapes, roles and order of a model's state, and its number of parameters. */
export function checkLayout(
  state: readonly StateEntry[],
  { stateDict, paramCount }: Pick<ModelGolden, "stateDict" | "paramCount">,
): Check[] {
  const parameters = state.filter(({ role }) => isParameter(role));
  const count = parameters.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  return [
    checkSame("stateDict length", state.length, stateDict.length),
    ...stateDict.map((expected, i) => {
      const entry = state[i];
      if (entry === undefined) return mismatch(`stateDict[${i}]`, `lacks ${expected[0]}`);
      return checkSame(`stateDict[${i}]`, [entry.name, entry.shape, entry.role], expected);
    }),
    checkSame("paramCount", count, paramCount),
  ];
}

/** Compares sum and norm of all the state once the formula has filled it. */
export function checkStateValues(
  state: readonly StateEntry[],
  { stateCheck }: Pick<ModelGolden, "stateCheck">,
): Check[] {
  let sum = 0;
  let squares = 0;
  for (const { variable, role, shape } of state) {
    if (variable === undefined) continue;
    for (const value of toPyTorchLayout(role, variable.dataSync() as Float32Array, shape)) {
      sum += value;
      squares += value * value;
    }
  }
  const l2 = Math.sqrt(squares);
  const bound = (): number => STATE_CHECK_RELATIVE * Math.max(stateCheck.l2, Math.abs(stateCheck.sum));
  return [
    checkNumber("stateCheck.sum", sum, stateCheck.sum, bound),
    checkNumber("stateCheck.l2", l2, stateCheck.l2, bound),
  ];
}
