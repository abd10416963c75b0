import { existsSync } from "node:fs";
import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { changedOptions } from "../../config/policy.js";
import { CONFIG_FILE, type RunConfig, readConfig } from "../../runFiles/config.js";
import { RESUME_FILE } from "../../runFiles/progress.js";
import { damagedFile } from "../../runFiles/stateFile.js";

/**
 * A run that has not kept any progress may still change; one that has must stay the same run, and have the record that
 * tells so.
 * @throws inputError when it cannot be gone on with
 */
export function refuseOtherRun(runDir: string, config: RunConfig): void {
  if (!existsSync(join(runDir, RESUME_FILE))) return;
  const previous = recordOf(runDir);
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

function recordOf(runDir: string): RunConfig {
  const found = readConfig(runDir);
  const path = join(runDir, CONFIG_FILE);
  if (found.state === "damaged") throw damagedFile(path, found.reason, WITHOUT_RECORD);
  if (found.state === "whole") return found.content;
  throw inputError(
    `${runDir} holds ${RESUME_FILE} and no ${CONFIG_FILE}. Nothing was changed.`,
    WITHOUT_RECORD,
  );
}
