import { inputError } from "../common/errors.js";
import { changedOptions } from "../config/policy.js";
import { readEpochLog } from "../report/epochLog.js";
import { readConfig } from "../runFiles/config.js";
import { readResult } from "../runFiles/result.js";
import type { SweepRun } from "./plan.js";

/** Whether all epochs of a run are done and its result is written. */
export function isComplete({ runDir, options }: SweepRun): boolean {
  const found = readResult(runDir);
  return found.state === "whole" && found.content.epochs === options.epochs;
}

/** Epochs that a run has logged, at most those it is to have. */
export function epochsDone({ runDir, options }: SweepRun): number {
  try {
    return Math.min(readEpochLog(runDir).at(-1)?.epoch ?? 0, options.epochs);
  } catch {
    // A damaged log is told by the run itself; here it only moves an estimate.
    return 0;
  }
}

/**
 * Refuses to take a complete run with other options for one of this sweep.
 * @throws inputError that lists the differences
 */
export function refuseOtherRuns(runs: readonly SweepRun[]): void {
  for (const { runDir, options } of runs.filter(isComplete)) {
    const found = readConfig(runDir);
    if (found.state !== "whole") continue;
    const changed = changedOptions(found.content, { ...options });
    if (changed.length === 0) continue;
    throw inputError(
      `${runDir} holds another run: ${changed.join("; ")}.`,
      "Give this sweep another --save_dir, or remove that folder.",
    );
  }
}
