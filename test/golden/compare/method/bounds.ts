import { type Bound, withinRelative, withinScale } from "../comparison.js";
import type { SummaryBounds } from "../summary.js";
import type { StepsGolden, TermGolden } from "./schema.js";

/** Bounds of the golden files' README that hold where 5 spreads are less. */
const FLOORS = {
  /** Relative: a value, the terms of a first step. */
  term: 1e-5,
  /** Relative: the terms of later steps. */
  laterTerm: 1e-3,
  /** Relative: the norm of a gradient. */
  gradientNorm: 1e-4,
  /** Of the length of what a tensor moved. */
  moved: 3e-3,
  /** Of a root mean square: an element of a gradient, or of what a tensor moved. */
  element: 1e-2,
  /** Of a root mean square: logits after the last step. */
  logits: 1e-3,
} as const;

/** Steps whose terms are held tightly: weight decay and momentum are seen in the second one. */
const TIGHT_STEPS = 2;

/** Rounding of the stored numbers themselves. */
const STORED = 1e-6;

/** A gradient that is zero in exact arithmetic may be so much of the longest one of its entry. */
const ZERO_OF_LONGEST = 1e-4;

/** The value of a term. */
export const valueBound = ({ spread }: TermGolden): Bound => withinRelative(spread.valueMaxRel, FLOORS.term);

/** A gradient of so many elements and such a norm. */
export const gradientBounds = ({ spread }: TermGolden, l2: number, elements: number): SummaryBounds => ({
  element: withinScale(spread.gradFirst8MaxAbs ?? 0, FLOORS.element, l2 / Math.sqrt(elements)),
  norm: withinRelative(spread.gradL2MaxRel, FLOORS.gradientNorm),
});

/** The norm of a gradient that is zero in exact arithmetic. */
export const zeroBound =
  ({ grads }: TermGolden): Bound =>
  () =>
    ZERO_OF_LONGEST * Math.max(0, ...Object.values(grads).map(({ l2 }) => l2));

/** A term of a step, counted from 0. */
export const stepBound = ({ spread }: StepsGolden, step: number): Bound =>
  withinRelative(spread.lossMaxRelPerStep[step] ?? 0, step < TIGHT_STEPS ? FLOORS.term : FLOORS.laterTerm);

/** A term of the first phase. */
export const phaseBound = ({ spread }: StepsGolden): Bound => withinRelative(spread.initLossMaxRel ?? 0, FLOORS.term);

/** A tensor of so many elements that has moved by such a length; and the bound of that length itself. */
export function movedBounds(
  { spread }: StepsGolden,
  deltaL2: number,
  elements: number,
): SummaryBounds & { readonly delta: Bound } {
  const stored = withinRelative(0, STORED);
  const atLeast =
    (bound: Bound): Bound =>
    (expected) =>
      Math.max(bound(expected), stored(expected), FLOORS.moved * deltaL2);
  const element = withinScale(spread.afterFirst8MaxAbs, FLOORS.element, deltaL2 / Math.sqrt(elements));
  return {
    element: (expected) => Math.max(element(0), stored(expected)),
    norm: atLeast(withinRelative(spread.afterL2MaxRel, 0)),
    delta: atLeast(withinRelative(spread.afterDeltaL2MaxRel, 0)),
  };
}

/** Logits in evaluation mode after the last step. @param values as the reference has them */
export const logitsBound = ({ spread }: StepsGolden, values: readonly number[]): Bound => {
  const meanSquare = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
  return () => Math.max(5 * spread.afterEvalLogitsMaxAbs, FLOORS.logits * Math.sqrt(meanSquare));
};
