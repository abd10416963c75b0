import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { inputError, runError } from "../../common/errors.js";
import { isTemporary, makeFolder, removeStaleTemporaryFiles } from "../../common/files/atomicFile.js";
import { counted } from "../../common/text.js";
import type { TrainOptions } from "../../config/options.js";
import { EPOCH_LOG, readEpochLog } from "../../report/log/epochLog.js";
import {
  CONFIG_FILE,
  type Identity,
  identityDifferences,
  isOfIdentity,
  leftOutDifference,
  type RunConfig,
  readConfig,
} from "../../runFiles/identity.js";
import {
  damagedFile,
  FAILURE_FILE,
  LOCK_FILE,
  RESULT_FILE,
  RESUME_FILE,
  type ResultContent,
  readResult,
  writeStateFile,
} from "../../runFiles/stateFile.js";
import { checkLog, type Kept, readKept } from "../files/snapshot.js";
import { type FolderLock, lockRunFolder } from "./lock.js";

interface Continuation {
  readonly kept?: Kept;
  /** Of a run with all of its epochs. */
  readonly complete?: ResultContent;
}

/** Finds what to resume, changing nothing. @throws inputError for another run, or a missing or damaged record */
async function continuationOf(runDir: string, config: RunConfig): Promise<Continuation> {
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

/** A run without saved progress may still change; others must stay the same. */
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
    throw inputError(`${runDir} holds ${RESUME_FILE} and no ${CONFIG_FILE}. Nothing was changed.`, WITHOUT_RECORD);
  }
  const { identity } = found.content;
  if (found.sealed && identity !== undefined) return identity;
  throw inputError(
    `${path} does not say which data and teacher the run was made with: it is of an earlier version. Nothing was changed.`,
    WITHOUT_RECORD,
  );
}

/** Only a run that has saved nothing may have nothing to resume. */
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

// A run that --force replaces is renamed aside, and comes back unless the new one saves something. Each step is one
// rename; after a kill between two, the folder's next process repairs them.

interface Places {
  readonly run: string;
  /** The run that is being replaced. */
  readonly aside: string;
  /** Being removed. */
  readonly discarded: string;
}

function placesOf(runDir: string): Places {
  const run = realpathSync(runDir);
  const beside = (ending: string) => join(dirname(run), `.${basename(run)}.${ending}`);
  return { run, aside: beside("replaced"), discarded: beside("discarded") };
}

const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

function move(from: string, to: string, lock?: FolderLock): void {
  try {
    renameSync(from, to);
  } catch (error) {
    throw runError(`${from} could not be renamed to ${to}: ${(error as Error).message}.`);
  }
  lock?.moved(to);
}

/** Whether the run set aside may come back: the new one has saved nothing. */
const isWaiting = ({ run, aside }: Places): boolean => existsSync(aside) && !existsSync(join(run, RESUME_FILE));

/** Repairs what a killed process left: a run set aside may come back. @returns the current lock of runDir */
function settle(runDir: string, lock: FolderLock): FolderLock {
  const places = placesOf(runDir);
  remove(places.discarded);
  return isWaiting(places) ? putBack(places, lock, lockRunFolder(places.aside)) : lock;
}

/** Restores the run set aside. @returns its lock */
function putBack({ run, aside, discarded }: Places, lock: FolderLock, old: FolderLock): FolderLock {
  move(run, discarded, lock);
  move(aside, run, old);
  lock.release();
  remove(discarded);
  return old;
}

/** Sets a run aside for an empty folder; its lock moves along. @throws runError, with the run in its place */
function setAside(runDir: string, lock: FolderLock): { readonly own: FolderLock; readonly old: FolderLock } {
  const places = placesOf(runDir);
  const { aside, discarded } = places;
  if (!existsSync(aside)) return { own: exchange(places, aside, lock), old: lock };
  // An earlier --force left here a run without an epoch; the one before it is worth more.
  const old = lockRunFolder(aside);
  const own = exchange(places, discarded, lock);
  lock.release();
  remove(discarded);
  return { own, old };
}

/** Moves a run away and claims an empty folder in its place. */
function exchange({ run }: Places, target: string, lock: FolderLock): FolderLock {
  move(run, target, lock);
  try {
    mkdirSync(run);
    return lockRunFolder(run);
  } catch (error) {
    if (existsSync(run)) rmdirSync(run);
    move(target, run, lock);
    throw error;
  }
}

/** Restores the run set aside if the new one saved nothing. @param old its lock @returns the current lock of runDir */
function undoUnlessKept(runDir: string, lock: FolderLock, old: FolderLock): FolderLock {
  const places = placesOf(runDir);
  if (isWaiting(places)) return putBack(places, lock, old);
  old.release();
  return lock;
}

/** Removes a run set aside, once the new one has saved an epoch. */
function removeAside(runDir: string): void {
  const { aside, discarded } = placesOf(runDir);
  if (!existsSync(aside)) return;
  remove(discarded);
  // One rename decides: what is being removed never comes back.
  move(aside, discarded);
  remove(discarded);
}

export interface RunFolder {
  /** Called for a saved epoch: removes the replaced run. */
  epochKept(): void;
  readonly continuation: Continuation;
  /** Releases the folder; a run that saved nothing gives way to the replaced one. */
  end(): void;
}

/**
 * Claims a run's folder before reading it, and prepares it: new, replaced (--force), or resumed (--resume).
 * @throws inputError when another process works there, when the folder is taken without a flag, or a resumed run is
 * another one; nothing is changed then
 */
export async function claimRunFolder(
  runDir: string,
  config: RunConfig,
  options: Pick<TrainOptions, "resume" | "force">,
): Promise<RunFolder> {
  const isNew = !existsSync(runDir);
  makeFolder(runDir);
  let lock = lockRunFolder(runDir);
  let old: FolderLock | undefined;
  let continuation: Continuation = {};
  const end = () => {
    const last = old === undefined ? lock : undoUnlessKept(runDir, lock, old);
    last.release();
  };
  try {
    lock = settle(runDir, lock);
    if (isTaken(runDir)) {
      if (options.resume) continuation = await continuationOf(runDir, config);
      else refuseUnasked(runDir, config, options);
      if (options.force && !options.resume) ({ own: lock, old } = setAside(runDir, lock));
    }
    rmSync(join(runDir, FAILURE_FILE), { force: true });
    if (continuation.complete === undefined) {
      await removeStaleTemporaryFiles(runDir);
      await writeStateFile(join(runDir, CONFIG_FILE), config);
    }
  } catch (error) {
    end();
    if (isNew) removeIfEmpty(runDir);
    throw error;
  }
  return {
    epochKept() {
      old?.release();
      old = undefined;
      removeAside(runDir);
    },
    continuation,
    end,
  };
}

function removeIfEmpty(runDir: string): void {
  try {
    rmdirSync(runDir);
  } catch {}
}

/** Whether it holds more than the lock and temporary files. */
const isTaken = (runDir: string): boolean =>
  readdirSync(runDir).some((name) => name !== LOCK_FILE && !isTemporary(name));

/** Differences of a folder's run from the planned one, as far as known. */
function differencesFrom(runDir: string, { identity }: RunConfig): string[] {
  const found = readConfig(runDir);
  const then = found.state === "whole" ? found.content.identity : undefined;
  return then === undefined || identity === undefined ? [] : identityDifferences(then, identity);
}

/** @throws inputError unless the folder's content is a run to be replaced */
function refuseUnasked(runDir: string, config: RunConfig, { force }: Pick<TrainOptions, "force">): void {
  if (!force) {
    const others = differencesFrom(runDir, config);
    if (others.length === 0) {
      throw inputError(
        `The run folder ${runDir} already exists.`,
        "Continue it with --resume, keep both by another --save_dir, or replace it with --force.",
      );
    }
    throw inputError(
      `The run folder ${runDir} already holds another run: ${others.join("; ")}.`,
      "Choose another --save_dir, or replace that run with --force.",
    );
  }
  if (existsSync(join(runDir, CONFIG_FILE))) return;
  throw inputError(
    `${runDir} is not empty and holds no ${CONFIG_FILE}: it is not a run of pefd, so --force leaves it alone.`,
    "Choose another --save_dir.",
  );
}
