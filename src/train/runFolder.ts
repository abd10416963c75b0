import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { removeStaleTemporaryFiles, writeFileAtomic } from "../common/atomicFile.js";
import { inputError, runError } from "../common/errors.js";
import type { TrainOptions } from "../config/options.js";
import { changedOptions } from "../config/policy.js";
import { RESUME_FILE } from "./stateFiles.js";

/** Everything that a run was told and decided, as config.json keeps it. */
export type RunConfig = Readonly<Record<string, unknown>>;

export const CONFIG_FILE = "config.json";
export const RESULT_FILE = "result.json";

/**
 * Makes a run's folder ready: fresh, replaced (--force) or to be continued (--resume).
 * @throws inputError when the folder is taken and neither flag was given, or when a resumed run was another one
 */
export async function prepareRunFolder(
  runDir: string,
  config: RunConfig,
  { resume, force }: Pick<TrainOptions, "resume" | "force">,
): Promise<void> {
  const previous = readConfig(runDir);
  const taken = previous !== undefined || (existsSync(runDir) && readdirSync(runDir).length > 0);
  if (taken && !resume && !force) {
    throw inputError(
      `The run folder ${runDir} exists already.`,
      "Go on with it by --resume, or replace it by --force.",
    );
  }
  if (taken && force && !resume) removeRun(runDir, previous);
  if (resume && previous !== undefined) refuseOtherRun(runDir, previous, config);
  makeFolder(runDir);
  await removeStaleTemporaryFiles(runDir);
  await writeFileAtomic(join(runDir, CONFIG_FILE), `${JSON.stringify(config, undefined, 2)}\n`);
}

function makeFolder(runDir: string): void {
  try {
    mkdirSync(runDir, { recursive: true });
  } catch (error) {
    throw runError(`The folder ${runDir} cannot be made: ${(error as Error).message}.`);
  }
}

function removeRun(runDir: string, previous: RunConfig | undefined): void {
  if (previous === undefined) {
    throw inputError(
      `${runDir} is not empty and holds no ${CONFIG_FILE}: it is not a run of pefd, so --force leaves it alone.`,
      "Choose another --save_dir.",
    );
  }
  rmSync(runDir, { recursive: true });
}

/** The config.json of a folder; undefined where there is none that can be read. */
export function readConfig(runDir: string): RunConfig | undefined {
  return readJson(join(runDir, CONFIG_FILE));
}

/** A JSON object out of a file; undefined where there is none that can be read. */
export function readJson(path: string): RunConfig | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as RunConfig;
  } catch {
    return undefined;
  }
}

/** A run that has not kept any progress may still change; one that has must stay the same run. */
function refuseOtherRun(runDir: string, previous: RunConfig, config: RunConfig): void {
  if (!existsSync(join(runDir, RESUME_FILE))) return;
  const changed = changedOptions(previous, config);
  if (changed.length === 0) return;
  throw inputError(
    `${runDir} cannot be resumed as another run: ${changed.join("; ")}.`,
    "Give the options that it was started with, or start anew with --force.",
  );
}
