import {
  type Check,
  checkNumber,
  checkNumbers,
  mismatch,
  RELATIVE,
  withinRelative,
  withinScale,
} from "./comparison.js";
import type { ModelGolden } from "./schema.js";
import { norm } from "./summary.js";

/**
 * Gradients jump where an activation lies within rounding of zero, and a kernel that adds up in another order finds it on
 * the other side: one of wrn_16_2, 3e-7 instead of -4e-6, moves an element of the first gradient by 1.05 percent of the
 * root mean square. Up to one percent of a norm and two of an element is no defect.
 */
const JUMP_OF_NORM = 0.01;
const JUMP_OF_ELEMENT = 0.02;

/**
 * A gradient that is zero in real arithmetic is rounding noise here; its norm may be this, or five times what the
 * reference had.
 */
const ZERO_NORM = 1e-5;

/**
 * Compares the gradients of a training pass. The classifier sees no jumps: its bound is tight.
 * @param gradients by parameter, in PyTorch's layout
 */
export function checkGradients(golden: ModelGolden, gradients: ReadonlyMap<string, Float32Array>): Check[] {
  const zero = new Set(golden.train.gradZero);
  const norms = Object.entries(golden.train.gradL2).map(([name, expected]) =>
    zero.has(name) ? checkZero(golden, gradients, name) : checkNorm(golden, gradients, name, expected),
  );
  const firsts = Object.entries(golden.train.gradFirst4).map(([name, expected]) =>
    checkFirst4(golden, gradients, name, expected),
  );
  return [...norms, ...firsts];
}

/** The last parameters of every model are its classifier's weight and bias. */
const isClassifier = (golden: ModelGolden, name: string): boolean =>
  golden.stateDict.slice(-2).some(([last]) => last === name);

function checkZero({ spread }: ModelGolden, gradients: ReadonlyMap<string, Float32Array>, name: string): Check {
  const what = `train.gradZero ${name}`;
  const values = gradients.get(name);
  if (values === undefined) return mismatch(what, "has no gradient");
  return checkNumber(what, norm(values), 0, () => Math.max(ZERO_NORM, 5 * spread.gradZeroL2Max));
}

function checkNorm(
  golden: ModelGolden,
  gradients: ReadonlyMap<string, Float32Array>,
  name: string,
  expected: number,
): Check {
  const what = `train.gradL2 ${name}`;
  const values = gradients.get(name);
  if (values === undefined) return mismatch(what, "has no gradient");
  const least = isClassifier(golden, name) ? RELATIVE : JUMP_OF_NORM;
  const spread = isClassifier(golden, name) ? 0 : golden.spread.gradL2MaxRel;
  return checkNumber(what, norm(values), expected, withinRelative(spread, least));
}

function checkFirst4(
  golden: ModelGolden,
  gradients: ReadonlyMap<string, Float32Array>,
  name: string,
  expected: readonly number[],
): Check {
  const what = `train.gradFirst4 ${name}`;
  const values = gradients.get(name);
  const length = golden.train.gradL2[name];
  if (values === undefined || length === undefined) return mismatch(what, "has no gradient");
  const fraction = isClassifier(golden, name) ? RELATIVE : JUMP_OF_ELEMENT;
  const scale = length / Math.sqrt(values.length);
  const spread = golden.spread.gradFirst4MaxAbs[name] ?? 0;
  return checkNumbers(what, values.subarray(0, 4), expected, withinScale(spread, fraction, scale));
}
