import { columns, renderText } from "../report/table.js";
import type { SweepRun } from "../sweep/plan.js";
import { jobFolder, type SlurmRequest, submit } from "../sweep/slurm.js";
import { slurmStatus } from "../sweep/slurmStatus.js";
import { isComplete } from "../sweep/state.js";
import type { Invocation } from "./command.js";

const OWN_WORDS = () => [process.execPath, process.argv[1] as string];

/** Submits the runs that are neither complete nor with Slurm already. */
export async function submitSweep(
  runs: readonly SweepRun[],
  saveDir: string,
  request: SlurmRequest,
  { output, env }: Invocation,
): Promise<undefined> {
  const states = await slurmStatus(runs, saveDir, env);
  const open = states.filter(({ task, state }) => task === undefined && state !== "complete");
  const left = open.map(({ run }) => run);
  const waiting = states.filter(({ task, run }) => task !== undefined && !isComplete(run)).length;
  if (left.length === 0) {
    output.result(
      `Nothing to submit: ${runs.length - waiting} runs are complete, ${waiting} are with Slurm.`,
      { job: null, submitted: [] },
    );
    return;
  }
  const { id, runDirs } = await submit(left, saveDir, OWN_WORDS(), request, env);
  output.notice(`Logs: ${jobFolder(saveDir)}/${id}_*.log`);
  output.notice("`pefd sweep --status` with the same options tells how it goes.");
  output.result(`Submitted ${runDirs.length} of ${runs.length} runs as job ${id}.`, {
    job: id,
    submitted: runDirs,
  });
}

/** Prints where each run of a submitted sweep stands. */
export async function printStatus(
  runs: readonly SweepRun[],
  saveDir: string,
  { output, env }: Invocation,
): Promise<undefined> {
  const states = await slurmStatus(runs, saveDir, env);
  const rows = states.map(({ run, state, epochsDone, task = "-" }) => [
    ...[run.label, state, task, `${epochsDone}/${run.options.epochs}`],
  ]);
  const document = states.map(({ run, state, epochsDone, task = null }) => {
    return { runDir: run.runDir, state, task, epochsDone, epochs: run.options.epochs };
  });
  output.result(renderText({ columns: columns("run", "state", "task", ">epochs"), rows }), {
    runs: document,
  });
}
