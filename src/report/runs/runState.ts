import type { RunRecord } from "./runRecord.js";
import { mean } from "./statistics.js";

/** Whether a run is over, goes on, or went silent before its last epoch. */
export type RunState = "running" | "stopped" | "finished";

const SECOND = 1000;
/** Compiling and the first epoch may take long, and nothing is logged meanwhile. */
const FIRST_EPOCH = 600 * SECOND;
const SHORTEST_WAIT = 60 * SECOND;

const recentSeconds = ({ rows }: RunRecord) => rows.slice(-10).map(({ seconds }) => seconds);

/** Milliseconds since the last sign of life; a clock that was set back makes it 0. */
const silence = (run: RunRecord, now: number) => Math.max(0, now - run.updatedAt);

/**
 * A run's state from its logs alone: it is taken for stopped once it has been silent for three epochs.
 * @param now milliseconds since 1970
 */
export function stateOf(run: RunRecord, now: number): RunState {
  if (run.finished) return "finished";
  const epoch = Math.max(0, ...recentSeconds(run)) * SECOND;
  const patience = run.rows.length === 0 ? FIRST_EPOCH : Math.max(SHORTEST_WAIT, 3 * epoch);
  return silence(run, now) <= patience ? "running" : "stopped";
}

/**
 * Seconds until a running run's last epoch is done, at the pace of the last ten.
 * @returns undefined where nothing can be said: no epoch yet, or not running
 */
export function secondsToGo(run: RunRecord, now: number): number | undefined {
  if (stateOf(run, now) !== "running" || run.rows.length === 0) return undefined;
  const left = run.epochs - (run.rows.at(-1)?.epoch ?? 0);
  return Math.max(0, left * mean(recentSeconds(run)) - silence(run, now) / SECOND);
}
