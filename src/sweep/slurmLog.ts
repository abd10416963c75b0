import { closeSync, constants, existsSync, fstatSync, openSync, readSync } from "node:fs";
import { join } from "node:path";
import { lastWords } from "./lastWords.js";

/** Folder of a sweep's jobs and their logs, below --save_dir. */
export const jobFolder = (saveDir: string): string => join(saveDir, "sweep");

const logName = (task: string): string => `${task}.log`;

/** The logs of a job array as sbatch takes them: a path in which `%A_%a` is the task, and `%%` a percent sign. */
export const logPattern = (folder: string): string =>
  join(folder.replaceAll("%", "%%"), logName("%A_%a"));

/** The log of a task such as 17_3; undefined until it has begun. */
export function taskLog(saveDir: string, task: string): string | undefined {
  const path = join(jobFolder(saveDir), logName(task));
  return existsSync(path) ? path : undefined;
}

/** Shell words that open a task's log each time that Slurm starts it: which task, where, when. */
export const LOG_HEADING =
  'echo "task $SLURM_ARRAY_JOB_ID"_"$SLURM_ARRAY_TASK_ID on $SLURMD_NODENAME, $(date)"';
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

/** Why a task ended that left its run undone: what its log says of its last start. */
export function reasonIn(log: string | undefined): string {
  if (log === undefined) return "it was ended before it began";
  return lastWords(endOf(log).split(HEADING).at(-1) ?? "");
}
