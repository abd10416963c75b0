import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { environmentError } from "../common/errors.js";
import { wholeContent } from "../runFiles/stateFile.js";
import { type SlurmJob, SWEEP_JOB } from "../runFiles/sweepJob.js";
import { lastLine, runCommand } from "../runtime/command.js";
import type { SweepRun } from "./plan.js";
import { jobFolder, reasonIn, taskLog } from "./slurmLog.js";
import { epochsDone, isComplete } from "./state.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a run of a submitted sweep stands. */
export interface RunStatus {
  readonly run: SweepRun;
  /**
   * "complete"; Slurm's own word while it has the run, such as "PENDING"; "failed" when its task ended, for whatever
   * reason, and the run is not complete; "not submitted".
   */
  readonly state: string;
  readonly epochsDone: number;
  /** The last task that was submitted for it, such as 17_3. */
  readonly task: string | undefined;
  /** That task's log, once it has begun. */
  readonly log: string | undefined;
  /** Why it failed. */
  readonly reason: string | undefined;
}

const OPEN: ReadonlySet<string> = new Set(["failed", "not submitted"]);

/** Whether a run is to be submitted: neither complete nor with Slurm. */
export const isOpen = ({ state }: RunStatus): boolean => OPEN.has(state);

const DAMAGED_JOB =
  "Remove it: its runs then count as not submitted. `squeue --me` tells what still runs.";

/** The jobs of a sweep, in the order in which they were submitted. @throws inputError for a damaged file */
function jobsIn(saveDir: string): SlurmJob[] {
  const folder = jobFolder(saveDir);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .flatMap((name) => wholeContent(join(folder, name), SWEEP_JOB, DAMAGED_JOB) ?? [])
    .sort((one, other) => Number(one.id) - Number(other.id));
}

/** The last task of each run, by the run's folder. */
function lastTasks(jobs: readonly SlurmJob[]): Map<string, string> {
  const tasks = jobs.flatMap(({ id, runDirs }) =>
    runDirs.map((runDir, index) => [runDir, `${id}_${index}`] as const),
  );
  return new Map(tasks);
}

/** Slurm's word for each task that it still has: "17_3" to "RUNNING". */
async function queued(env: Environment): Promise<Map<string, string>> {
  const words = ["--me", "--noheader", "--array", "--format=%F_%K %T"];
  const { code, stdout, stderr } = await runCommand("squeue", words, { env });
  if (code !== 0) throw environmentError(`squeue cannot tell: ${lastLine(stderr)}.`);
  const told = stdout.split("\n").flatMap((line) => {
    const [, task, word] = /^\s*(\d+_\d+)\s+([\w+]+)\s*$/.exec(line) ?? [];
    return task === undefined || word === undefined ? [] : [[task, word] as const];
  });
  return new Map(told);
}

function stateOf(run: SweepRun, task: string | undefined, word: string | undefined): string {
  if (isComplete(run)) return "complete";
  return word ?? (task === undefined ? "not submitted" : "failed");
}

/**
 * The state of each run of a sweep: from its folder, from Slurm where a task for it is queued or running, and from
 * the log of a task that ended too early.
 * @throws environmentError where squeue is missing or fails although jobs were submitted
 */
export async function slurmStatus(
  runs: readonly SweepRun[],
  saveDir: string,
  env: Environment,
): Promise<RunStatus[]> {
  const tasks = lastTasks(jobsIn(saveDir));
  // Slurm is asked before the folders are read: what ends in between is complete, not failed.
  const words = tasks.size === 0 ? new Map<string, string>() : await queued(env);
  return runs.map((run) => {
    const task = tasks.get(run.runDir);
    const state = stateOf(run, task, task && words.get(task));
    const log = task && taskLog(saveDir, task);
    const reason = state === "failed" ? reasonIn(log) : undefined;
    return { run, state, epochsDone: epochsDone(run), task, log, reason };
  });
}
