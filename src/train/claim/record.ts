import { existsSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { counted } from "../../common/text/counted.js";
import { EPOCH_LOG, readEpochLog } from "../../report/log/epochLog.js";
import { CONFIG_FILE, type RunConfig, readConfig } from "../../runFiles/config.js";
import {
  type Identity,
  identityDifferences,
  isOfIdentity,
  leftOutDifference,
} from "../../runFiles/identity.js";
import { RESUME_FILE } from "../../runFiles/progress.js";
import { RESULT_FILE, type ResultContent, readResult } from "../../runFiles/result.js";
import { damagedFile } from "../../runFiles/stateFile.js";
import { type Kept, readKept } from "./kept.js";
import { checkLog } from "./log.js";

/** What there is to go on with; without either the run starts. */
export interface Continuation {
  readonly kept?: Kept;
  /** The result of a run that has all of its epochs. */
  readonly complete?: ResultContent;
}

/**
 * Finds what a run can go on from. Nothing is changed.
 * @param config the run that was asked for
 * @throws inputError when another run is there, or its record is missing or damaged
 */
export async function continuationOf(runDir: string, config: RunConfig): Promise<Continuation> {
  const identity = config.identity as Identity;
  const kept = existsSync(join(runDir, RESUME_FILE)) ? await keptBy(runDir, identity) : undefined;
  if (kept === undefined) {
    refuseLost(runDir);
    return {};
  }
  refuseFewer(runDir, kept, config.epochs);
  checkLog(runDir, kept.progress);
  const complete = completeResult(runDir, kept, config.epochs);
  if (complete !== undefined) refuseChanged(runDir, leftOutDifference(recordOf(runDir), identity));
  return { kept, ...(complete && { complete }) };
}

/** A run that has not kept any progress may still change; one that has must stay the same run. */
async function keptBy(runDir: string, now: Identity): Promise<Kept | undefined> {
  const then = recordOf(runDir);
  const kept = await readKept(runDir);
  if (kept !== undefined && !isOfIdentity(kept.progress.identitySha256, then)) {
    throw inputError(
      `${kept.path} is of another run than ${CONFIG_FILE} beside it. Nothing was changed.`,
      WITHOUT_RECORD,
    );
  }
  refuseChanged(runDir, identityDifferences(then, now));
  return kept;
}

/** @param changed a clause for each thing in which the run that is there is another one */
function refuseChanged(runDir: string, changed: readonly string[]): void {
  if (changed.length === 0) return;
  throw inputError(
    `${runDir} cannot be resumed as another run: ${changed.join("; ")}.`,
    "Give what it was started with, or start anew with --force.",
  );
}

const WITHOUT_RECORD =
  "So nobody can tell which run this is. Its weights can still be evaluated (`pefd eval --checkpoint`); choose another " +
  "--save_dir, or move the folder away, to start anew.";

function recordOf(runDir: string): Identity {
  const found = readConfig(runDir);
  const path = join(runDir, CONFIG_FILE);
  if (found.state === "damaged") throw damagedFile(path, found.reason, WITHOUT_RECORD);
  if (found.state === "absent") {
    throw inputError(
      `${runDir} holds ${RESUME_FILE} and no ${CONFIG_FILE}. Nothing was changed.`,
      WITHOUT_RECORD,
    );
  }
  const { identity } = found.content;
  if (found.sealed && identity !== undefined) return identity;
  throw inputError(
    `${path} does not tell which data and teacher the run was made with: it is of an earlier version. Nothing was changed.`,
    WITHOUT_RECORD,
  );
}

/** Nothing to go on from is right for a run that has kept nothing, and for no other. */
function refuseLost(runDir: string): void {
  const found = readConfig(runDir);
  const path = join(runDir, CONFIG_FILE);
  if (found.state === "damaged") throw damagedFile(path, found.reason, WITHOUT_RECORD);
  if (found.state === "absent") {
    throw inputError(
      `${runDir} is not empty and holds no ${CONFIG_FILE}: it is not a run of pefd.`,
      "Choose another --save_dir.",
    );
  }
  const rows = readEpochLog(runDir).length;
  if (rows === 0) return;
  throw inputError(
    `${runDir} has ${counted(rows, "epoch")} in its ${EPOCH_LOG} and no ${RESUME_FILE} to go on from. Nothing was changed.`,
    "Its weights can still be evaluated (`pefd eval --checkpoint`); --force starts anew.",
  );
}

function refuseFewer(runDir: string, { progress }: Kept, epochs: number): void {
  const { epoch, step } = progress;
  if (epoch < epochs || (epoch === epochs && step === 0)) return;
  const steps = step === 0 ? "" : ` and ${counted(step, "step")} of the next`;
  throw inputError(
    `${runDir} has ${counted(epoch, "epoch")}${steps} already, more than the --epochs ${epochs} asked for.`,
    "Give more epochs, or start anew with --force.",
  );
}

function completeResult(runDir: string, { progress }: Kept, epochs: number) {
  const found = readResult(runDir);
  if (found.state === "damaged") {
    throw damagedFile(
      join(runDir, RESULT_FILE),
      found.reason,
      "Remove it and type this again: it is made anew from what the run has kept.",
    );
  }
  if (found.state === "absent" || progress.epoch < epochs) return undefined;
  return found.content.epochs === epochs ? found.content : undefined;
}
