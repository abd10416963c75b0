import { setImmediate } from "node:timers/promises";

/** Milliseconds that one call may block the process: signals and the progress bar wait that long. */
const CALL_MILLISECONDS = 150;

/** How many steps a call takes, given how long those of the last one took. At least 1. */
export const stepsOfNextCall = (steps: number, milliseconds: number): number =>
  Math.max(1, Math.floor((CALL_MILLISECONDS * steps) / milliseconds));

/** How many steps the calls of some work take. */
export interface Pace {
  /** Most steps of the next call. */
  steps(): number;
  /** Tells how long a call took. */
  took(steps: number, milliseconds: number): void;
}

/**
 * A pace that follows the time of the last call. The first call's time says nothing: it may hold a compilation.
 * @param first steps of a call before anything is known of their time
 * @param group a number of steps that calls take several times
 */
export function createPace(first: number, group = 1): Pace {
  const whole = (steps: number): number => Math.max(group, steps - (steps % group));
  let steps = whole(first);
  let calls = 0;
  return {
    steps: () => steps,
    took(taken, milliseconds) {
      calls += 1;
      if (calls > 1) steps = whole(stepsOfNextCall(taken, milliseconds));
    },
  };
}

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
