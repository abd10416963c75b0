/** Whether the whole of every matrix is to run: PEFD_MATRICES is "all", as .ci/run sets it. */
export const wholeMatrices = process.env.PEFD_MATRICES === "all";

/** A matrix of cases of which the first few stand for all, unless the whole of it is to run. */
export function casesOf<T>(
  cases: readonly T[],
  few: number,
): {
  readonly cases: readonly T[];
  /** Those left out. */
  readonly rest: readonly T[];
} {
  const count = wholeMatrices ? cases.length : few;
  return { cases: cases.slice(0, count), rest: cases.slice(count) };
}

/** Why the rest of a matrix is skipped. */
export const SAMPLED = "a few of the matrix are enough here; PEFD_MATRICES=all runs the whole";
