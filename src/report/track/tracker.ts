import type { RunInfo, RunReporter } from "../log/contract.js";
import type { MlflowServer, MlflowStatus } from "./mlflow.js";
import { trackRun } from "./trackRun.js";

/** A reporter that also tells a tracking server, and what waits for the server in the end. */
export interface Tracker {
  readonly reporter: RunReporter;
  /** Sends what is left and how the run ended. Call it when the training is over, however it ended. */
  finish(status: MlflowStatus): Promise<void>;
}

/**
 * Sends every epoch of a run to a tracking server beside what a reporter does. A server that is away costs a warning and
 * nothing else: the training goes on, and what was not sent goes with a later epoch.
 */
export function createTracker(reporter: RunReporter, server: MlflowServer): Tracker {
  let info: RunInfo | undefined;
  let fresh = false;
  let warned = false;
  let last: Promise<void> = Promise.resolve();
  const send = (status: MlflowStatus): Promise<void> => {
    last = last.then(async () => {
      if (info === undefined) return;
      try {
        await trackRun(info.runDir, server, status, fresh);
        [fresh, warned] = [false, false];
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
        fresh = started.firstEpoch === 1;
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
