import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { environmentError, runError } from "../common/errors.js";
import { writeFileAtomic } from "../common/files/atomicFile.js";
import { makeFolder } from "../common/files/makeFolder.js";
import { shellWord } from "../common/text/shellWord.js";
import { writeStateFile } from "../runFiles/stateFile.js";
import type { SlurmJob } from "../runFiles/sweepJob.js";
import { lastLine, runCommand } from "../runtime/command.js";
import type { SweepRun } from "./plan.js";
import { jobFolder, LOG_HEADING, logPattern } from "./slurmLog.js";

type Environment = Readonly<Record<string, string | undefined>>;

/** What is asked of Slurm; what is not set is left to the cluster's own defaults. */
export interface SlurmRequest {
  readonly partition: string | undefined;
  /** GPUs of each run, as sbatch takes them: "1", "a100:1". */
  readonly gpus: string | undefined;
  /** Time limit of each run, as sbatch takes it: "02:00:00". */
  readonly time: string | undefined;
  /** Runs at a time, at most. */
  readonly jobs: number | undefined;
}

/** The script of a job array: each task is one run. */
export function slurmScript(command: readonly string[], runs: readonly SweepRun[]): string {
  const line = ({ words }: SweepRun) => [...command, ...words].map(shellWord).join(" ");
  const cases = runs.map((run, task) => `${task}) exec ${line(run)} ;;`);
  return ["#!/bin/sh", LOG_HEADING, 'case "$SLURM_ARRAY_TASK_ID" in', ...cases, "esac", ""].join(
    "\n",
  );
}

const flagOf = (name: string, value: string | undefined): string[] =>
  value === undefined ? [] : [`--${name}=${value}`];

/**
 * The words of sbatch. A task that a node's failure ended is queued again, goes on from its last epoch, and adds to
 * its log.
 * @param mark what the job can be found by
 */
export function sbatchWords(
  count: number,
  folder: string,
  request: SlurmRequest,
  mark: string,
): string[] {
  const { partition, gpus, time, jobs } = request;
  return [
    "--parsable",
    "--requeue",
    "--job-name=pefd",
    `--comment=${mark}`,
    "--open-mode=append",
    `--array=0-${count - 1}${jobs === undefined ? "" : `%${jobs}`}`,
    `--output=${logPattern(folder)}`,
    ...flagOf("partition", partition),
    ...flagOf("gpus", gpus),
    ...flagOf("time", time),
  ];
}

/** The job in sbatch's answer, which is "id" or "id;cluster" on a line of its own; sites add lines of theirs. */
const jobIn = (answer: string): string | undefined =>
  answer
    .split("\n")
    .map((line) => /^(\d{1,20})(?:;\S*)?$/.exec(line.trim())?.[1])
    .findLast((id) => id !== undefined);

/** The job that Slurm has under a mark, for an sbatch that does not say. */
async function jobMarked(mark: string, env: Environment): Promise<string | undefined> {
  const { stdout } = await runCommand("squeue", ["--me", "--noheader", "--format=%F %k"], { env });
  const lines = stdout.split("\n").map((line) => line.trim().split(/\s+/));
  return lines.find(([id, comment]) => comment === mark && /^\d{1,20}$/.test(id ?? ""))?.[0];
}

const unknownJob = (answer: string, mark: string) =>
  runError(
    `sbatch took the sweep and did not tell its job's number: "${answer.trim().slice(0, 200)}".`,
    `Find the job with the comment ${mark} by \`squeue --me --format="%F %k"\`, end it by \`scancel JOB\`, and submit again.`,
  );

/**
 * Submits runs as one job array and writes down which job it is.
 * @param command this program's own words, before those of a run
 * @throws environmentError where there is no sbatch, runError when it refuses or nobody knows the job's number
 */
export async function submit(
  runs: readonly SweepRun[],
  saveDir: string,
  command: readonly string[],
  request: SlurmRequest,
  env: Environment,
): Promise<SlurmJob> {
  const folder = jobFolder(saveDir);
  makeFolder(folder);
  const script = join(folder, "array.sh");
  await writeFileAtomic(script, slurmScript(command, runs));
  const mark = `pefd-${randomBytes(6).toString("hex")}`;
  const own: Environment = Object.assign({}, ...runs.map((run) => run.env));
  // Sites can keep a job from its submitter's variables; where a run needs one, it is asked for.
  const exported = flagOf("export", Object.keys(own).length > 0 ? "ALL" : undefined);
  const words = [...sbatchWords(runs.length, folder, request, mark), ...exported, script];
  const { code, stdout, stderr } = await runCommand("sbatch", words, { env: { ...env, ...own } });
  if (code === undefined) {
    throw environmentError(
      `sbatch cannot be started: ${lastLine(stderr)}.`,
      "--launcher slurm is for a machine that submits to Slurm; leave it out to run here.",
    );
  }
  if (code !== 0) throw runError(`sbatch refused the sweep: ${lastLine(stderr)}.`);
  const id = jobIn(stdout) ?? (await jobMarked(mark, env));
  if (id === undefined) throw unknownJob(stdout, mark);
  const job: SlurmJob = { id, runDirs: runs.map(({ runDir }) => runDir) };
  await writeStateFile(join(folder, `${id}.json`), job);
  return job;
}
