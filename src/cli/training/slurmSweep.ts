import { counted } from "../../common/text/counted.js";
import { renderFitted } from "../../report/fit.js";
import { columns } from "../../report/table.js";
import type { SweepRun } from "../../sweep/plan.js";
import { type SlurmRequest, submit } from "../../sweep/slurm.js";
import { jobFolder } from "../../sweep/slurmLog.js";
import { isOpen, type RunStatus, slurmStatus } from "../../sweep/slurmStatus.js";
import type { Invocation } from "../command.js";

const OWN_WORDS = () => [process.execPath, process.argv[1] as string];

/** Submits the runs that are neither complete nor with Slurm already. */
export async function submitSweep(
  runs: readonly SweepRun[],
  saveDir: string,
  request: SlurmRequest,
  { output, env }: Invocation,
): Promise<undefined> {
  const states = await slurmStatus(runs, saveDir, env);
  const left = states.filter(isOpen).map(({ run }) => run);
  if (left.length === 0) {
    const complete = states.filter(({ state }) => state === "complete").length;
    output.result(
      `Nothing to submit of ${counted(runs.length, "run")}: complete ${complete}, with Slurm ${runs.length - complete}.`,
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

function statusTable(states: readonly RunStatus[], width: number | undefined): string {
  const rows = states.map(({ run, state, epochsDone, task = "-" }) => [
    ...[run.label, state, task, `${epochsDone}/${run.options.epochs}`],
  ]);
  return renderFitted({ columns: columns("run", "state", "task", ">epochs"), rows }, width);
}

/** Which runs failed, where it is told, and why; nothing where none did. */
function failedTable(states: readonly RunStatus[], width: number | undefined): string[] {
  const failed = states.filter(({ state }) => state === "failed");
  if (failed.length === 0) return [];
  const rows = failed.map(({ run, reason = "", log = "-" }) => [run.label, log, reason]);
  return ["", renderFitted({ columns: columns("failed", "log", "why"), rows }, width)];
}

/** Prints where each run of a submitted sweep stands. */
export async function printStatus(
  runs: readonly SweepRun[],
  saveDir: string,
  { output, env }: Invocation,
): Promise<undefined> {
  const states = await slurmStatus(runs, saveDir, env);
  const document = states.map(({ run, task = null, log = null, reason = null, ...rest }) => {
    return { runDir: run.runDir, ...rest, task, epochs: run.options.epochs, log, reason };
  });
  output.result(
    [statusTable(states, output.width), ...failedTable(states, output.width)].join("\n"),
    { runs: document },
  );
}
