import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { environmentError } from "../common/errors.js";
import { runCommand } from "../runtime/command.js";
import type { SweepRun } from "./plan.js";
import { jobFolder, type SlurmJob } from "./slurm.js";
import { epochsDone, isComplete } from "./state.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** Where a run of a submitted sweep stands; Slurm's own word while it has the run: "PENDING", "RUNNING". */
export interface RunStatus {
  readonly run: SweepRun;
  /** "complete", Slurm's word, or "not queued". */
  readonly state: string;
  readonly epochsDone: number;
  /** The task that Slurm has for it, such as 17_3. */
  readonly task: string | undefined;
}

function jobsIn(saveDir: string): SlurmJob[] {
  const folder = jobFolder(saveDir);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as SlurmJob);
}

/** Slurm's word for each task that it still has: "17_3" to "RUNNING". */
async function queued(env: Environment): Promise<Map<string, string>> {
  const words = ["--me", "--noheader", "--array", "--format=%F_%K %T"];
  const { code, stdout, stderr } = await runCommand("squeue", words, { env });
  if (code !== 0) throw environmentError(`squeue cannot tell: ${stderr.trim()}.`);
  const lines = stdout.trim().split("\n");
  return new Map(lines.map((line) => line.trim().split(/\s+/) as [string, string]));
}

/**
 * The state of each run of a sweep: from its folder, and from Slurm where a job for it is queued or running.
 * @throws environmentError where squeue is missing or fails although jobs were submitted
 */
export async function slurmStatus(
  runs: readonly SweepRun[],
  saveDir: string,
  env: Environment,
): Promise<RunStatus[]> {
  const jobs = jobsIn(saveDir);
  const words = jobs.length === 0 ? new Map<string, string>() : await queued(env);
  const tasks = new Map<string, string>();
  for (const { id, runDirs } of jobs) {
    for (const [index, runDir] of runDirs.entries()) {
      if (words.has(`${id}_${index}`)) tasks.set(runDir, `${id}_${index}`);
    }
  }
  return runs.map((run) => {
    const task = tasks.get(run.runDir);
    const word = (task && words.get(task)) ?? "not queued";
    return { run, task, epochsDone: epochsDone(run), state: isComplete(run) ? "complete" : word };
  });
}
