/** Whether the whole of every matrix is to run: PEFD_MATRICES is "all", as .ci/run sets it. */
export const wholeMatrices = process.env.PEFD_MATRICES === "all";

/** So many of the cases, evenly over the list, the first among them. */
function evenly<T>(cases: readonly T[], count: number): readonly T[] {
  const step = Math.max(1, cases.length / count);
  return cases.filter((_, i) => Math.floor(i / step) !== Math.floor((i - 1) / step));
}

/**
 * A matrix of cases of which the first few stand for all, unless the whole of it is to run.
 * @param many how many of the whole run, evenly over the list, where each takes long and something else holds the rest
 */
export function casesOf<T>(
  cases: readonly T[],
  few: number,
  many = cases.length,
): {
  readonly cases: readonly T[];
  /** Those left out. */
  readonly rest: readonly T[];
} {
  const first = cases.slice(0, few);
  const drawn = wholeMatrices ? evenly(cases.slice(few), many - few) : [];
  const chosen = [...first, ...drawn];
  return { cases: chosen, rest: cases.filter((item) => !chosen.includes(item)) };
}

/** Why the rest of a matrix is skipped. */
export const SAMPLED =
  "some of the matrix are enough here; PEFD_MATRICES=all runs more of it, or the whole";
