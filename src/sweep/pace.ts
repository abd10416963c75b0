import { formatDuration, secondsLeft } from "../report/duration.js";
import type { Outcome } from "./execute.js";
import type { SweepRun } from "./plan.js";
import { epochsDone } from "./state.js";

/** How long a sweep will still take, from the epochs that its runs have logged. */
export interface SweepPace {
  /** A run's epochs do not count any more when it failed. */
  ended(outcome: Outcome): void;
  /** "; all done in about 3 min" at the pace so far; empty while nothing can be said, or nothing is left. */
  eta(): string;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** @param now seconds of a clock that only runs forward */
export function createSweepPace(runs: readonly SweepRun[], now: () => number): SweepPace {
  const startedAt = now();
  const total = sum(runs.map(({ options }) => options.epochs));
  const before = sum(runs.map(epochsDone));
  const failed = new Set<SweepRun>();
  return {
    ended({ run, state }) {
      if (state === "failed") failed.add(run);
    },
    eta() {
      const lost = sum([...failed].map((run) => run.options.epochs - epochsDone(run)));
      const done = sum(runs.map(epochsDone)) - before;
      const left = secondsLeft(now() - startedAt, done, total - before - lost);
      return left === undefined || left === 0 ? "" : `; all done in about ${formatDuration(left)}`;
    },
  };
}
