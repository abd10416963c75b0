import type { RunInfo, RunReporter } from "../log/contract.js";
import type { RunStatus, TrackingPlace } from "./place.js";
import { trackRun } from "./trackRun.js";

/** A reporter that also tells a tracker, and what waits for it in the end. */
export interface Tracker {
  readonly reporter: RunReporter;
  /** Sends what is left and how the run ended. Call it when the training is over, however it ended. */
  finish(status: RunStatus): Promise<void>;
}

/**
 * Tells a tracker every epoch of a run beside what a reporter does. A server that is away, or a full disk, costs a warning and
 * nothing else: the training goes on, and what was not sent goes with a later epoch.
 */
export function createTracker(reporter: RunReporter, place: TrackingPlace): Tracker {
  let info: RunInfo | undefined;
  let begins: "anew" | "again" | undefined;
  let warned = false;
  let last: Promise<void> = Promise.resolve();
  const send = (status: RunStatus): Promise<void> => {
    last = last.then(async () => {
      if (info === undefined) return;
      try {
        await trackRun(info.runDir, place, status, begins);
        [begins, warned] = [undefined, false];
      } catch (error) {
        if (!warned) reporter.warn(`Not tracked for now: ${(error as Error).message}`);
        warned = true;
      }
    });
    return last;
  };
  return {
    reporter: {
      ...reporter,
      runStarted(started) {
        reporter.runStarted(started);
        info = started;
        begins = started.firstEpoch === 1 ? "anew" : "again";
        send("RUNNING");
      },
      epochDone(row, best) {
        reporter.epochDone(row, best);
        send("RUNNING");
      },
    },
    finish: send,
  };
}
