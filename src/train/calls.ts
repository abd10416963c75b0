import { setImmediate } from "node:timers/promises";

/** Milliseconds that one call may block the process: signals and the progress bar wait that long. */
const CALL_MILLISECONDS = 150;

/** How many steps the next call takes, given how long those of the last one took. At least 1. */
export const stepsOfNextCall = (steps: number, milliseconds: number): number =>
  Math.max(1, Math.floor((CALL_MILLISECONDS * steps) / milliseconds));

/** Work in calls of a fraction of a second: yields how far it is after each of them, and returns the result. */
export type Calls<Result> = Generator<number, Result, void>;

/** Does all of the calls at once. */
export function allAtOnce<Result>(calls: Calls<Result>): Result {
  for (;;) {
    const { done, value } = calls.next();
    if (done) return value;
  }
}

/**
 * Lets the process breathe between the calls.
 * @param onProgress told how far the work is
 * @returns the result, or undefined when the signal ended it early
 */
export async function oneByOne<Result>(
  calls: Calls<Result>,
  onProgress: (progress: number) => void,
  signal?: AbortSignal,
): Promise<Result | undefined> {
  for (;;) {
    const { done, value } = calls.next();
    if (done) return value;
    onProgress(value);
    await setImmediate();
    if (signal?.aborted) {
      calls.return(undefined as Result);
      return undefined;
    }
  }
}
