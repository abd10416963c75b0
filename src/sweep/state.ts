import { existsSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../common/errors.js";
import { readEpochLog } from "../report/log/epochLog.js";
import {
  CONFIG_FILE,
  type Identity,
  identityDifferences,
  leftOutDifference,
  readConfig,
} from "../runFiles/identity.js";
import { RESULT_FILE, RESUME_FILE, readResult } from "../runFiles/stateFile.js";
import type { SweepRun } from "./plan.js";

/** Whether all epochs of a run are done and its result is written. */
export function isComplete({ runDir, options }: SweepRun): boolean {
  const found = readResult(runDir);
  return found.state === "whole" && found.content.epochs === options.epochs;
}

/** Epochs that a run has logged, at most those it is to have. */
export const epochsDone = (run: SweepRun): number => Math.min(logged(run), run.options.epochs);

function logged({ runDir }: SweepRun): number {
  try {
    return readEpochLog(runDir).at(-1)?.epoch ?? 0;
  } catch {
    // A corrupt log is reported by the run itself; here it only affects an estimate.
    return 0;
  }
}

/** Throws inputError, saying how they differ, for an existing run that is not known to be this sweep's. */
export async function refuseOtherRuns(runs: readonly SweepRun[]): Promise<void> {
  const asked = runs.filter(({ runDir }) => isWorthAsking(runDir));
  if (asked.length === 0) return;
  const { identities } = await import("./identity.js");
  const planned = identities();
  for (const run of asked) {
    const done = logged(run);
    if (done > run.options.epochs) {
      throw inputError(
        `${run.runDir} has ${done} epochs already, more than --epochs ${run.options.epochs}.`,
        ELSEWHERE,
      );
    }
    const { identity, undecided } = await planned(run);
    const then = identityIn(run.runDir);
    const changed = [
      ...identityDifferences(then, identity, undecided),
      ...(isComplete(run) ? leftOutDifference(then, identity) : []),
    ];
    if (changed.length === 0) continue;
    throw inputError(`${run.runDir} holds another run: ${changed.join("; ")}.`, ELSEWHERE);
  }
}

const ELSEWHERE = "Give this sweep another --save_dir, or remove that folder.";

const isWorthAsking = (runDir: string): boolean =>
  [RESUME_FILE, RESULT_FILE].some((name) => existsSync(join(runDir, name)));

function identityIn(runDir: string): Identity {
  const found = readConfig(runDir);
  if (found.state === "whole" && found.sealed && found.content.identity !== undefined) return found.content.identity;
  const why = found.state === "damaged" ? found.reason : "it does not record data and teacher";
  throw inputError(
    `${runDir} holds a run that may not belong to this sweep: ${CONFIG_FILE} is ${
      found.state === "absent" ? "missing" : `corrupt or from an earlier version (${why})`
    }.`,
    ELSEWHERE,
  );
}
