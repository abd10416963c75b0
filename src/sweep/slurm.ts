import { randomBytes } from "node:crypto";
import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync, readSync } from "node:fs";
import { join } from "node:path";
import { environmentError, runError } from "../common/errors.js";
import { makeFolder, writeFileAtomic } from "../common/files/atomicFile.js";
import { shellWord } from "../common/text.js";
import { type SlurmJob, SWEEP_JOB, wholeContent, writeStateFile } from "../runFiles/stateFile.js";
import { lastLine, runCommand } from "../runtime/command.js";
import { lastError } from "./execute.js";
import type { SweepRun } from "./plan.js";
import { epochsDone, isComplete } from "./state.js";

type Environment = Readonly<Record<string, string | undefined>>;

export interface RunStatus {
  readonly run: SweepRun;
  /** "complete", "not submitted", "failed" (its task ended early), or Slurm's own word, such as "PENDING". */
  readonly state: string;
  readonly epochsDone: number;
  /** The last task that was submitted for it, such as 17_3. */
  readonly task: string | undefined;
  /** That task's log, once it has begun. */
  readonly log: string | undefined;
  readonly reason: string | undefined;
}

const OPEN: ReadonlySet<string> = new Set(["failed", "not submitted"]);

/** Whether a run is to be submitted: neither complete nor with Slurm. */
export const isOpen = ({ state }: RunStatus): boolean => OPEN.has(state);

const DAMAGED_JOB = "Remove it: its runs then count as not submitted. `squeue --me` lists what is still running.";

/** The jobs of a sweep in the order of submission; throws inputError for a damaged file. */
function jobsIn(saveDir: string): SlurmJob[] {
  const folder = jobFolder(saveDir);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^\d+\.json$/.test(name))
    .flatMap((name) => wholeContent(join(folder, name), SWEEP_JOB, DAMAGED_JOB) ?? [])
    .sort((one, other) => Number(one.id) - Number(other.id));
}

function lastTasks(jobs: readonly SlurmJob[]): Map<string, string> {
  const tasks = jobs.flatMap(({ id, runDirs }) => runDirs.map((runDir, index) => [runDir, `${id}_${index}`] as const));
  return new Map(tasks);
}

/** Slurm's word for each task that it still has: "17_3" to "RUNNING". */
async function queued(env: Environment): Promise<Map<string, string>> {
  const words = ["--me", "--noheader", "--array", "--format=%F_%K %T"];
  const { code, stdout, stderr } = await runCommand("squeue", words, { env });
  if (code !== 0) throw environmentError(`squeue failed: ${lastLine(stderr)}.`);
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

/** Each run's state: from its folder, Slurm, or its log. @throws environmentError where squeue fails */
export async function slurmStatus(runs: readonly SweepRun[], saveDir: string, env: Environment): Promise<RunStatus[]> {
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

/** Folder of a sweep's jobs and their logs, below --save_dir. */
export const jobFolder = (saveDir: string): string => join(saveDir, "sweep");

const logName = (task: string): string => `${task}.log`;

/** The logs of a job array as sbatch takes them: a path in which `%A_%a` is the task, and `%%` a percent sign. */
const logPattern = (folder: string): string => join(folder.replaceAll("%", "%%"), logName("%A_%a"));

function taskLog(saveDir: string, task: string): string | undefined {
  const path = join(jobFolder(saveDir), logName(task));
  return existsSync(path) ? path : undefined;
}

/** Shell words that open a task's log each time that Slurm starts it: which task, where, when. */
const LOG_HEADING = 'echo "task $SLURM_ARRAY_JOB_ID"_"$SLURM_ARRAY_TASK_ID on $SLURMD_NODENAME, $(date)"';
const HEADING = /^task \S+ on .*$/m;

/** The last part of a log, however long it is. */
const MOST_BYTES = 2 ** 16;

function endOf(log: string): string {
  const file = openSync(log, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, MOST_BYTES));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString("utf8");
  } finally {
    closeSync(file);
  }
}

function reasonIn(log: string | undefined): string {
  if (log === undefined) return "it was cancelled before it started";
  return lastError(endOf(log).split(HEADING).at(-1) ?? "");
}

/** Slurm options; unset ones are left to the cluster's defaults. */
export interface SlurmRequest {
  readonly partition: string | undefined;
  /** GPUs of each run, as sbatch takes them: "1", "a100:1". */
  readonly gpus: string | undefined;
  /** Time limit of each run, as sbatch takes it: "02:00:00". */
  readonly time: string | undefined;
  /** Runs at a time, at most. */
  readonly jobs: number | undefined;
}

function slurmScript(command: readonly string[], runs: readonly SweepRun[]): string {
  const line = ({ words }: SweepRun) => [...command, ...words].map(shellWord).join(" ");
  const cases = runs.map((run, task) => `${task}) exec ${line(run)} ;;`);
  return ["#!/bin/sh", LOG_HEADING, 'case "$SLURM_ARRAY_TASK_ID" in', ...cases, "esac", ""].join("\n");
}

const flagOf = (name: string, value: string | undefined): string[] =>
  value === undefined ? [] : [`--${name}=${value}`];

/** Arguments of sbatch: a task that a node's failure ended is queued again, resumes, and adds to its log. */
function sbatchWords(count: number, folder: string, request: SlurmRequest, mark: string): string[] {
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
    `sbatch accepted the sweep but printed no job ID: "${answer.trim().slice(0, 200)}".`,
    `Find the job with the comment ${mark} by \`squeue --me --format="%F %k"\`, end it by \`scancel JOB\`, and submit again.`,
  );

/** Submits runs as one job array by this program's `command`. @throws environmentError; runError if refused */
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
      "--launcher slurm needs a Slurm login node; drop it to run locally.",
    );
  }
  if (code !== 0) throw runError(`sbatch rejected the sweep: ${lastLine(stderr)}.`);
  const id = jobIn(stdout) ?? (await jobMarked(mark, env));
  if (id === undefined) throw unknownJob(stdout, mark);
  const job: SlurmJob = { id, runDirs: runs.map(({ runDir }) => runDir) };
  await writeStateFile(join(folder, `${id}.json`), job);
  return job;
}
