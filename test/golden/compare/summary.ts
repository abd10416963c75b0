import type { Bound, Check } from "./comparison.js";
import { checkNumber, checkNumbers, checkSame, mismatch } from "./comparison.js";
import type { TensorSummary } from "./schema.js";

/** A tensor read back, in PyTorch's layout. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** Euclidean norm, accumulated in float64. */
export const norm = (values: ArrayLike<number>): number => {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += (values[i] as number) ** 2;
  return Math.sqrt(sum);
};

/** Mean and population standard deviation, accumulated in float64. */
function moments(values: Float32Array): { mean: number; std: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, std: Math.sqrt(variance) };
}

/** Eight elements spread evenly over the tensor. */
export const probes = (values: Float32Array): number[] =>
  Array.from({ length: 8 }, (_, j) => values[Math.floor(((2 * j + 1) * values.length) / 16)] as number);

/** Bounds for one element, and for the norm of all. */
export interface SummaryBounds {
  readonly element: Bound;
  readonly norm: Bound;
}

/**
 * Compares a tensor with its stored summary: shape, norm, some elements, and mean and deviation where they are
 * given. The last two are averages of elements, so an element's bound at the tensor's scale holds for them too.
 */
export function checkSummary(
  what: string,
  actual: HostTensor,
  expected: TensorSummary,
  bounds: SummaryBounds,
): Check[] {
  const shape = checkSame(`${what} shape`, actual.shape, expected.shape);
  if (shape.mismatch !== undefined) return [shape];
  const { values } = actual;
  const checks = [
    shape,
    checkNumber(`${what} l2`, norm(values), expected.l2, bounds.norm),
    checkNumbers(`${what} first8`, values.subarray(0, 8), expected.first8, bounds.element),
    checkNumbers(`${what} probe8`, probes(values), expected.probe8, bounds.element),
  ];
  if (expected.mean === undefined || expected.std === undefined) return checks;
  const { mean, std } = moments(values);
  const average = () => bounds.element(expected.l2 / Math.sqrt(values.length));
  return [
    ...checks,
    checkNumber(`${what} mean`, mean, expected.mean, average),
    checkNumber(`${what} std`, std, expected.std, average),
  ];
}

/** The same for a tensor that has moved, with a bound of the length of its move. */
export interface MovedBounds extends SummaryBounds {
  readonly delta: Bound;
}

/**
 * Compares a tensor that steps have moved, and how far from its start where that is given.
 * @param from in PyTorch's layout, as `to`
 * @param bounds for a move of such a length
 */
export function checkMoved(
  what: string,
  from: HostTensor | undefined,
  to: HostTensor | undefined,
  expected: TensorSummary & { readonly deltaL2?: number | undefined },
  bounds: (deltaL2: number) => MovedBounds,
): Check[] {
  if (from === undefined || to === undefined) return [mismatch(what, "is missing")];
  const moved = norm(to.values.map((value, i) => value - (from.values[i] as number)));
  const { deltaL2 } = expected;
  const { delta, ...rest } = bounds(deltaL2 ?? moved);
  return [
    ...checkSummary(what, to, expected, rest),
    ...(deltaL2 === undefined ? [] : [checkNumber(`${what} deltaL2`, moved, deltaL2, delta)]),
  ];
}
