import { existsSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { removeStaleTemporaryFiles } from "../common/atomicFile.js";
import { inputError } from "../common/errors.js";
import { makeFolder } from "../common/makeFolder.js";
import type { TrainOptions } from "../config/options.js";
import { changedOptions } from "../config/policy.js";
import { CONFIG_FILE, type RunConfig, readConfig } from "../runFiles/config.js";
import { RESUME_FILE } from "../runFiles/progress.js";
import { damagedFile, type Found, writeStateFile } from "../runFiles/stateFile.js";

/**
 * Makes a run's folder ready: fresh, replaced (--force) or to be continued (--resume).
 * @throws inputError when the folder is taken and neither flag was given, or when a resumed run was another one
 */
export async function prepareRunFolder(
  runDir: string,
  config: RunConfig,
  { resume, force }: Pick<TrainOptions, "resume" | "force">,
): Promise<void> {
  const found = readConfig(runDir);
  const taken = found.state !== "absent" || (existsSync(runDir) && readdirSync(runDir).length > 0);
  if (taken && !resume && !force) {
    throw inputError(
      `The run folder ${runDir} exists already.`,
      "Go on with it by --resume, or replace it by --force.",
    );
  }
  if (taken && force && !resume) removeRun(runDir, found);
  if (resume) refuseOtherRun(runDir, found, config);
  makeFolder(runDir);
  await removeStaleTemporaryFiles(runDir);
  await writeStateFile(join(runDir, CONFIG_FILE), config);
}

function removeRun(runDir: string, { state }: Found<RunConfig>): void {
  if (state === "absent") {
    throw inputError(
      `${runDir} is not empty and holds no ${CONFIG_FILE}: it is not a run of pefd, so --force leaves it alone.`,
      "Choose another --save_dir.",
    );
  }
  rmSync(runDir, { recursive: true });
}

/**
 * A run that has not kept any progress may still change; one that has must stay the same run, and have the record that
 * tells so.
 */
function refuseOtherRun(runDir: string, found: Found<RunConfig>, config: RunConfig): void {
  if (!existsSync(join(runDir, RESUME_FILE))) return;
  const previous = recordOf(runDir, found);
  const changed = changedOptions(previous, config);
  if (changed.length === 0) return;
  throw inputError(
    `${runDir} cannot be resumed as another run: ${changed.join("; ")}.`,
    "Give the options that it was started with, or start anew with --force.",
  );
}

const WITHOUT_RECORD =
  "Without it nobody can tell which run this is. Its weights can still be evaluated (`pefd eval --checkpoint`); " +
  "choose another --save_dir, or move the folder away, to start anew.";

function recordOf(runDir: string, found: Found<RunConfig>): RunConfig {
  const path = join(runDir, CONFIG_FILE);
  if (found.state === "damaged") throw damagedFile(path, found.reason, WITHOUT_RECORD);
  if (found.state === "whole") return found.content;
  throw inputError(
    `${runDir} holds ${RESUME_FILE} and no ${CONFIG_FILE}. Nothing was changed.`,
    WITHOUT_RECORD,
  );
}
