import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { inputError, PefdError } from "../common/errors.js";
import { collectRuns } from "../report/runs/collect.js";
import { withoutRepeats } from "../report/runs/grouping.js";
import type { RunRecord } from "../report/runs/runRecord.js";
import { identitySha256, type RunConfig } from "../runFiles/identity.js";
import { teacherModelOf } from "../train/files/runName.js";

/** The data set of old runs, which did not record one. */
const FIRST_DATASET = "cifar100";

export interface Setting {
  readonly teacherPath: string;
  readonly teacherModel: string;
  readonly dataset: string;
  readonly data: string;
  /** Side in pixels, where it is not the data set's own. */
  readonly imageSize?: number | undefined;
  readonly limitTest: number | undefined;
  /** A list of excluded images. */
  readonly skipList?: string | undefined;
}

/** One student's checkpoint. */
export interface Subject extends Setting {
  readonly checkpoint: string;
  readonly model: string;
  /** The run that it belongs to, where it was reached through one. */
  readonly run: RunRecord | undefined;
  /** Where its config.json has one. */
  readonly identitySha256?: string | undefined;
}

/** Typed options, which override a run's config.json. */
export type Overrides = { readonly [Key in keyof Setting]?: Setting[Key] | undefined };

const EPOCH_FILE = /^ckpt_epoch_(\d+)\.safetensors$/;

const epochOf = (file: string): number => Number(EPOCH_FILE.exec(file)?.[1]);

/** The checkpoints of a run: by epoch, then the best, then the last. */
function checkpointsOf({ dir, model }: RunRecord, lastOnly: boolean): string[] {
  const byEpoch = readdirSync(dir)
    .filter((file) => EPOCH_FILE.test(file))
    .sort((a, b) => epochOf(a) - epochOf(b));
  const last = `${model}_last.safetensors`;
  const files = lastOnly ? [last] : [...byEpoch, `${model}_best.safetensors`, last];
  return files.map((file) => join(dir, file)).filter((path) => existsSync(path));
}

/** The number of projectors in a run's config.json. */
export const projectorsOf = ({ config }: RunRecord): number | undefined =>
  typeof config.num_proj === "number" ? config.num_proj : undefined;

const experimentOf = ({ teacher, model, method }: RunRecord) => [teacher, model, method].join(" ");

const byExperiment = (a: RunRecord, b: RunRecord): number =>
  experimentOf(a).localeCompare(experimentOf(b), "en", { numeric: true }) ||
  (projectorsOf(a) ?? -1) - (projectorsOf(b) ?? -1) ||
  a.trial - b.trial;

function settingOf({ dir, config }: RunRecord, given: Overrides): Setting {
  const { path_t, dataset, data, image_size, limit_test, skip_list } = config;
  const teacherPath = given.teacherPath ?? path_t;
  const teacherModel = given.teacherModel ?? teacherModelOf(config);
  if (Array.isArray(teacherPath)) {
    throw inputError(
      `The run ${dir} had ${teacherPath.length} teachers; a student is compared with one.`,
      "Give it with --path_t and --model_t.",
    );
  }
  if (typeof teacherPath !== "string" || typeof teacherModel !== "string") {
    throw inputError(
      `${join(dir, "config.json")} does not name the run's teacher.`,
      "Give it with --path_t and --model_t.",
    );
  }
  if (!existsSync(teacherPath)) {
    throw inputError(
      `No such file: ${teacherPath}, the teacher of the run ${dir}.`,
      "Give its checkpoint with --path_t, or run pefd from the folder where the run was started.",
    );
  }
  return {
    teacherPath,
    teacherModel,
    dataset: given.dataset ?? (typeof dataset === "string" ? dataset : FIRST_DATASET),
    data: given.data ?? String(data),
    imageSize: given.imageSize ?? (typeof image_size === "number" ? image_size : undefined),
    limitTest: given.limitTest ?? (typeof limit_test === "number" ? limit_test : undefined),
    skipList: given.skipList ?? (typeof skip_list === "string" ? skip_list : undefined),
  };
}

function subjectsOf(run: RunRecord, given: Overrides, lastOnly: boolean): Subject[] {
  const { identity } = run.config as Pick<RunConfig, "identity">;
  return checkpointsOf(run, lastOnly).map((checkpoint) => ({
    ...settingOf(run, given),
    checkpoint,
    model: run.model,
    run,
    identitySha256: identity && identitySha256(identity),
  }));
}

/**
 * Checkpoints of distillations in some folders and below, by pair, method, number of projectors, trial, epoch.
 * @param tell called with a message for each run skipped, such as one whose teacher is not there
 * @throws inputError where there are none
 */
export function subjectsOfRuns(
  dirs: readonly string[],
  given: Overrides,
  lastOnly: boolean,
  tell: (problem: PefdError) => void,
): Subject[] {
  const found = collectRuns(dirs);
  for (const problem of found.problems) tell(inputError(problem));
  const { runs, repeats } = withoutRepeats(
    found.runs.filter((run) => run.kind === "distill" && checkpointsOf(run, lastOnly).length > 0),
  );
  for (const { run, of } of repeats) {
    tell(inputError(`skipping ${run.dir}: it repeats ${of.dir}.`));
  }
  const subjects = [...runs].sort(byExperiment).flatMap((run) => {
    try {
      return subjectsOf(run, given, lastOnly);
    } catch (error) {
      if (!(error instanceof PefdError)) throw error;
      tell(error);
      return [];
    }
  });
  if (subjects.length > 0) return subjects;
  throw inputError(
    `No distillation runs with checkpoints found in ${dirs.join(", ")}.`,
    "`pefd distill` saves one every --save_freq epochs, the best and the last.",
  );
}
