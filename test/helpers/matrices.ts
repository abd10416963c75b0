import { test } from "node:test";

/** Whether every case of every matrix runs, which takes hours: PEFD_MATRICES is "all". */
export const allCases = process.env.PEFD_MATRICES === "all";

/** Whether many run: PEFD_MATRICES is "many", or "all". Otherwise a few stand for them. */
export const manyCases = allCases || process.env.PEFD_MATRICES === "many";

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
 * A matrix of cases of which the first few stand for the others.
 * @param many how many that is, evenly over the list: fewer than all where each takes long and another test covers the rest
 */
export function casesOf<T>(cases: readonly T[], few: number, many = cases.length): Sample<T> {
  const drawn = allCases ? cases.length : many;
  const others = manyCases ? evenly(cases.slice(few), drawn - few) : [];
  return chosenOf(cases, [...cases.slice(0, few), ...others]);
}

/** The same, but the few lie evenly over the list, as where it goes from group to group. */
export function spreadOf<T>(cases: readonly T[], few: number, many = cases.length): Sample<T> {
  if (allCases) return chosenOf(cases, cases);
  return chosenOf(cases, evenly(cases, manyCases ? many : few));
}

/** Why the rest of a matrix is skipped. */
export const SAMPLED = "a sample is enough here; PEFD_MATRICES=many runs more, PEFD_MATRICES=all every case";

/** What runs only where many cases do: a test's option `skip`. */
export const withMany = manyCases ? false : SAMPLED;

/** A skipped test that tells how many cases of a matrix are left out, and why; none where all run. */
export function tellRest(rest: readonly unknown[]): void {
  if (rest.length > 0) test(`${rest.length} more`, { skip: SAMPLED });
}
