import { test } from "node:test";

/** Whether the whole of every matrix is to run: PEFD_MATRICES is "all", as .ci/run sets it. */
export const wholeMatrices = process.env.PEFD_MATRICES === "all";

/** What is run of a matrix. */
interface Sample<T> {
  readonly cases: readonly T[];
  /** Those left out. */
  readonly rest: readonly T[];
}

const chosenOf = <T>(all: readonly T[], cases: readonly T[]): Sample<T> => ({
  cases,
  rest: all.filter((item) => !cases.includes(item)),
});

/** So many of the cases, evenly over the list, the first among them. */
function evenly<T>(cases: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, cases.length / count);
  return cases.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}

/**
 * A matrix of cases of which the first few stand for all, unless the whole of it is to run.
 * @param many how many of the whole run, evenly over the list, where each takes long and something else holds the rest
 */
export function casesOf<T>(cases: readonly T[], few: number, many = cases.length): Sample<T> {
  const first = cases.slice(0, few);
  const drawn = wholeMatrices ? evenly(cases.slice(few), many - few) : [];
  return chosenOf(cases, [...first, ...drawn]);
}

/** The same, but the few lie evenly over the list, as where it goes from group to group. */
export const spreadOf = <T>(cases: readonly T[], few: number, many = cases.length): Sample<T> =>
  chosenOf(cases, evenly(cases, wholeMatrices ? many : few));

/** Why the rest of a matrix is skipped. */
export const SAMPLED = "some of the matrix are enough here; PEFD_MATRICES=all runs more of it, or the whole";

/** What runs only with the whole of every matrix: a test's option `skip`. */
export const inWhole = wholeMatrices ? false : SAMPLED;

/** A skipped test that tells how many cases of a matrix are left out, and why; none where all run. */
export function tellRest(rest: readonly unknown[]): void {
  if (rest.length > 0) test(`${rest.length} more`, { skip: SAMPLED });
}
