import { existsSync, readdirSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { isTemporary, removeStaleTemporaryFiles } from "../../common/files/atomicFile.js";
import { makeFolder } from "../../common/files/makeFolder.js";
import type { TrainOptions } from "../../config/options.js";
import { CONFIG_FILE, type RunConfig, readConfig } from "../../runFiles/config.js";
import { identityDifferences } from "../../runFiles/identity.js";
import { LOCK_FILE } from "../../runFiles/lockFile.js";
import { writeStateFile } from "../../runFiles/stateFile.js";
import { type FolderLock, lockRunFolder } from "./lock.js";
import { type Continuation, continuationOf } from "./record.js";
import { removeAside, setAside, settle, undoUnlessKept } from "./setAside.js";

/** A run's folder that is this process's until the end. */
export interface RunFolder {
  /** An epoch is kept: a run that this one replaces is removed. */
  epochKept(): void;
  /** What there is to go on with. */
  readonly continuation: Continuation;
  /** Gives the folder back; a run that kept nothing leaves its place to the one that it was to replace. */
  end(): void;
}

/**
 * Claims a run's folder, before anything in it is looked at, and makes it ready: fresh, in the place of another run
 * (--force), or to go on with (--resume).
 * @throws inputError when another process is at work there, when the folder is taken and neither flag was given, or when
 * a resumed run was another one; what was there is as it was then
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

/** Whether a folder holds anything besides the lock and what killed writers left. */
const isTaken = (runDir: string): boolean =>
  readdirSync(runDir).some((name) => name !== LOCK_FILE && !isTemporary(name));

/** In what the run in a folder is another one than the one that was asked for, as far as it tells. */
function differencesFrom(runDir: string, { identity }: RunConfig): string[] {
  const found = readConfig(runDir);
  const then = found.state === "whole" ? found.content.identity : undefined;
  return then === undefined || identity === undefined ? [] : identityDifferences(then, identity);
}

/** @throws inputError unless what is in a folder is a run, and is to be replaced */
function refuseUnasked(
  runDir: string,
  config: RunConfig,
  { force }: Pick<TrainOptions, "force">,
): void {
  if (!force) {
    const others = differencesFrom(runDir, config);
    if (others.length === 0) {
      throw inputError(
        `The run folder ${runDir} exists already.`,
        "Go on with it by --resume, or replace it by --force.",
      );
    }
    throw inputError(
      `The run folder ${runDir} exists already, of another run: ${others.join("; ")}.`,
      "Choose another --save_dir for this one, or replace that one by --force.",
    );
  }
  if (existsSync(join(runDir, CONFIG_FILE))) return;
  throw inputError(
    `${runDir} is not empty and holds no ${CONFIG_FILE}: it is not a run of pefd, so --force leaves it alone.`,
    "Choose another --save_dir.",
  );
}
