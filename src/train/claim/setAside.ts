import { existsSync, mkdirSync, realpathSync, renameSync, rmdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { runError } from "../../common/errors.js";
import { RESUME_FILE } from "../../runFiles/progress.js";
import { type FolderLock, lockRunFolder } from "./lock.js";

// A run that --force replaces is renamed beside its place, and comes back unless the new one keeps something. Every
// step is one rename, and what a kill between two of them leaves is put right by the next process that has the folder.

/** A run's folder and what may lie beside it, hidden from those who look for runs. */
interface Places {
  readonly run: string;
  /** The run that another one is replacing. */
  readonly aside: string;
  /** What is being removed: nobody's any more. */
  readonly discarded: string;
}

function placesOf(runDir: string): Places {
  const run = realpathSync(runDir);
  const beside = (ending: string) => join(dirname(run), `.${basename(run)}.${ending}`);
  return { run, aside: beside("replaced"), discarded: beside("discarded") };
}

const remove = (folder: string): void => rmSync(folder, { recursive: true, force: true });

/** @throws runError */
function move(from: string, to: string, lock?: FolderLock): void {
  try {
    renameSync(from, to);
  } catch (error) {
    throw runError(`${from} could not be renamed to ${to}: ${(error as Error).message}.`);
  }
  lock?.moved(to);
}

/** Whether a run is set aside for one that has kept nothing so far. */
const isWaiting = ({ run, aside }: Places): boolean =>
  existsSync(aside) && !existsSync(join(run, RESUME_FILE));

/**
 * Puts right what a killed process left: a run that was set aside for one that has kept nothing comes back.
 * @param lock of runDir
 * @returns the lock of what lies at runDir now
 */
export function settle(runDir: string, lock: FolderLock): FolderLock {
  const places = placesOf(runDir);
  remove(places.discarded);
  return isWaiting(places) ? putBack(places, lock, lockRunFolder(places.aside)) : lock;
}

/** Gives its place back to the run that was set aside. @returns that one's lock */
function putBack({ run, aside, discarded }: Places, lock: FolderLock, old: FolderLock): FolderLock {
  move(run, discarded, lock);
  move(aside, run, old);
  lock.release();
  remove(discarded);
  return old;
}

/** The locks of a run that replaces another, and of that other one. */
export interface Replacement {
  readonly own: FolderLock;
  readonly old: FolderLock;
}

/**
 * Sets a run aside and makes an empty folder in its place.
 * @param lock of the run; it goes along
 * @throws runError where a folder cannot be renamed or made; the run is in its place then
 */
export function setAside(runDir: string, lock: FolderLock): Replacement {
  const places = placesOf(runDir);
  const { aside, discarded } = places;
  if (!existsSync(aside)) return { own: exchange(places, aside, lock), old: lock };
  // What another --force left here has kept no epoch; the run before that one is worth more.
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

/**
 * Ends what --force began.
 * @param lock of runDir
 * @param old of the run that was set aside
 * @returns the lock of what lies at runDir then: the run before, if the new one has kept nothing
 */
export function undoUnlessKept(runDir: string, lock: FolderLock, old: FolderLock): FolderLock {
  const places = placesOf(runDir);
  if (isWaiting(places)) return putBack(places, lock, old);
  old.release();
  return lock;
}

/** Removes the run that was set aside, where there is one: the new one has kept an epoch. */
export function removeAside(runDir: string): void {
  const { aside, discarded } = placesOf(runDir);
  if (!existsSync(aside)) return;
  remove(discarded);
  // One rename decides: what is being removed is never taken for a run that may come back.
  move(aside, discarded);
  remove(discarded);
}
