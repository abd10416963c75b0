import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { removeStaleTemporaryFiles, writeFileAtomic } from "../common/atomicFile.js";
import { inputError, runError } from "../common/errors.js";
import type { DistillOptions, TeacherOptions, TrainOptions } from "../config/options.js";
import { RESUME_FILE } from "./stateFiles.js";

/** Everything that a run was told and decided, as config.json keeps it. */
export type RunConfig = Readonly<Record<string, unknown>>;

export const CONFIG_FILE = "config.json";
export const RESULT_FILE = "result.json";

/** The paper's folder of a student: save/student_model/S:..._T:..._dataset_method_r:..._a:..._b:..._trial. */
export function studentFolder(options: DistillOptions): string {
  const { model_s, model_t, dataset, distill, gamma, alpha, beta, trial } = options;
  const name = `S:${model_s}_T:${model_t}_${dataset}_${distill}_r:${gamma}_a:${alpha}_b:${beta}_${trial}`;
  return join(options.save_dir, "student_model", name);
}

/** RepDistiller's folder of a teacher: save/models/model_dataset_lr_..._decay_..._trial_.... */
export function teacherFolder(options: TeacherOptions): string {
  const { model, dataset, learning_rate, weight_decay, trial } = options;
  const name = `${model}_${dataset}_lr_${learning_rate}_decay_${weight_decay}_trial_${trial}`;
  return join(options.save_dir, "models", name);
}

/** How a run is started, not what it is: config.json does not keep it. */
export const NOT_KEPT: ReadonlySet<string> = new Set(["resume", "force"]);

/** Options that a resumed run may change: they do not touch the numbers. */
const FREE_TO_CHANGE = new Set([
  ...["save_dir", "save_freq", "print_freq", "tb_freq", "data", "data_budget_mb", "no_cache"],
  ...["engine", "precision", "device", "epochs", "versions", "path_t", "deterministic"],
  "teacher_cache",
]);

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

/** "--batch_size was 64 and is now 128" for each option that makes it another run. */
export const changedOptions = (previous: RunConfig, config: RunConfig): string[] =>
  Object.keys(config)
    .filter((key) => !NOT_KEPT.has(key) && !FREE_TO_CHANGE.has(key))
    .filter((key) => JSON.stringify(config[key]) !== JSON.stringify(previous[key]))
    .map(
      (key) =>
        `--${key} was ${JSON.stringify(previous[key])} and is now ${JSON.stringify(config[key])}`,
    );
