import type { ChildProcess } from "node:child_process";
import { existsSync } from "node:fs";
import { runError } from "../../common/errors.js";
import { choice, flag, flagSection, integer, section, string } from "../../common/optionRow.js";
import { counted, shellWord } from "../../common/text.js";
import { DISTILL_SECTIONS, OUTPUT } from "../../config/options.js";
import { unreachedText } from "../../config/policy.js";
import { resolveSection } from "../../config/resolve.js";
import { fitLines, renderFitted } from "../../report/fit.js";
import { reportDocument } from "../../report/reportDocument.js";
import { collectRuns } from "../../report/runs/collect.js";
import { summarize } from "../../report/runs/summarize.js";
import { summaryNotes, summaryTable } from "../../report/summaryTable.js";
import { columns } from "../../report/table.js";
import { trackingPlace } from "../../report/track/trackers.js";
import { createSweepBars } from "../../sweep/bars.js";
import { executeSweep, gpuNames, idleGpusNotice, type Outcome } from "../../sweep/execute.js";
import { sweepLayers, ZOO } from "../../sweep/file.js";
import { fittingRuns, planSweep, type SweepRun } from "../../sweep/plan.js";
import { createSweepLines } from "../../sweep/progress.js";
import { isOpen, jobFolder, type RunStatus, type SlurmRequest, slurmStatus, submit } from "../../sweep/slurm.js";
import { isComplete, refuseOtherRuns } from "../../sweep/state.js";
import { generationsOf, studentFolder } from "../../train/files/runName.js";
import type { Command, Invocation, Output } from "../command.js";
import { interruptible } from "../interrupt.js";
import { COLUMNS, columnsOf, isScreen } from "../output.js";
import { publishedOf } from "../published.js";
import { trainingSections } from "../train.js";
import { typedLine } from "../typed.js";

const OWN_WORDS = () => [process.execPath, process.argv[1] as string] as const;

async function submitSweep(
  runs: readonly SweepRun[],
  saveDir: string,
  request: SlurmRequest,
  { output, env }: Invocation,
): Promise<void> {
  const states = await slurmStatus(runs, saveDir, env);
  const left = states.filter(isOpen).map(({ run }) => run);
  if (left.length === 0) {
    const complete = states.filter(({ state }) => state === "complete").length;
    output.result(
      `Nothing to submit of ${counted(runs.length, "run")}: ${complete} complete, ${runs.length - complete} in Slurm's queue.`,
      { job: null, submitted: [] },
    );
    return;
  }
  const { id, runDirs } = await submit(left, saveDir, OWN_WORDS(), request, env);
  output.notice(`Logs: ${jobFolder(saveDir)}/${id}_*.log`);
  output.notice("`pefd sweep --status` with the same options shows the progress.");
  output.result(`Submitted ${runDirs.length} of ${runs.length} runs as job ${id}.`, { job: id, submitted: runDirs });
}

function statusTable(states: readonly RunStatus[], width: number | undefined): string {
  const rows = states.map(({ run, state, epochsDone, task = "-" }) => [
    run.label,
    state,
    task,
    `${epochsDone}/${run.options.epochs}`,
  ]);
  return renderFitted({ columns: columns("run", "state", "task", ">epochs"), rows }, width);
}

function failedTable(states: readonly RunStatus[], width: number | undefined): string[] {
  const failed = states.filter(({ state }) => state === "failed");
  if (failed.length === 0) return [];
  const rows = failed.map(({ run, reason = "", log = "-" }) => [run.label, log, reason]);
  return ["", renderFitted({ columns: columns("failed", "log", "why"), rows }, width)];
}

async function printStatus(runs: readonly SweepRun[], saveDir: string, { output, env }: Invocation): Promise<void> {
  const states = await slurmStatus(runs, saveDir, env);
  const document = states.map(({ run, task = null, log = null, reason = null, ...rest }) => {
    return { runDir: run.runDir, ...rest, task, epochs: run.options.epochs, log, reason };
  });
  output.result([statusTable(states, output.width), ...failedTable(states, output.width)].join("\n"), {
    runs: document,
  });
}

const SWEEP = flagSection("Sweep", {
  trials: string(undefined, "Trials, such as 1-3 or 1,2,5.", { valueName: "LIST" }),
  jobs: integer(undefined, "Number of parallel runs, spread over the GPUs.", {
    min: 1,
    max: 256,
    defaultText: "1; with Slurm, no limit",
  }),
  print: flag("Print one shell command per run, and run nothing."),
});

const SLURM = flagSection("Slurm", {
  launcher: choice<string, string>(["local", "slurm"], "local", "Run locally, or as a Slurm job array."),
  partition: string(undefined, "Slurm's partition."),
  gpus: string(undefined, "GPUs per run, as in sbatch --gpus."),
  time: string(undefined, "Time limit per run, as in sbatch --time."),
  status: flag("Show the state of each run of a submitted sweep."),
});

// A sweep always resumes.
const { resume: _resume, force: _force, ...outputRows } = OUTPUT.rows;
const SECTIONS = [
  SWEEP,
  SLURM,
  ...DISTILL_SECTIONS.filter((part) => part !== OUTPUT),
  section(OUTPUT.title, outputRows),
];

/** Between two looks at the runs' logs: lines that stay come seldom, bars move. */
const TICK_MS = { lines: 5000, bars: 1000 };

function printCommands(runs: readonly SweepRun[], { output }: Invocation): void {
  const lines = runs.map(({ words, env }) =>
    [...Object.entries(env).map(([name, value]) => `${name}=${value}`), typedLine(words)].join(" "),
  );
  output.result(lines.join("\n"), { commands: runs.map(({ words }) => words) });
}

function printPlan(runs: readonly SweepRun[], output: Output): void {
  const plan = runs.map((run) => ({ ...run, complete: isComplete(run) }));
  const rows = plan.map(({ label, runDir, complete }) => [label, complete ? "yes" : "no", runDir]);
  const table = { columns: columns("run", "complete", "folder"), rows };
  output.result(renderFitted(table, output.width), {
    runs: plan.map(({ options, runDir, complete }) => ({ runDir, complete, options })),
  });
}

/** Runs this program's own script again, and ends what is running when this process ends early. */
function ownProgram(env: Invocation["env"]) {
  const living = new Set<ChildProcess>();
  process.once("exit", () => {
    for (const child of living) child.kill("SIGTERM");
  });
  return { command: OWN_WORDS(), env, living };
}

function progressOf(runs: readonly SweepRun[], { notice, quiet, color }: Output) {
  const now = () => performance.now() / 1000;
  const { stderr } = process;
  return isScreen(stderr) && !quiet
    ? { every: TICK_MS.bars, progress: createSweepBars(runs, stderr, { columns: COLUMNS, color, now }) }
    : { every: TICK_MS.lines, progress: createSweepLines(runs, notice, now) };
}

async function carryOut(runs: readonly SweepRun[], jobs: number, invocation: Invocation) {
  const { output, env, argv } = invocation;
  const { progress, every } = progressOf(runs, output);
  const timer = setInterval(progress.tick, every);
  const program = ownProgram(env);
  const gpus = gpuNames(env);
  const free = runs.filter(({ options }) => options.gpu === undefined);
  const idle = idleGpusNotice(free.length, jobs, gpus.length);
  if (idle !== undefined) output.notice(idle);
  try {
    return await interruptible((signal) => executeSweep(runs, { program, jobs, gpus, signal, observer: progress }), {
      onSignal: (name) => progress.say(`${name}: saving progress; repeat to stop immediately`),
      hint: `Resume with: ${typedLine(argv)}`,
    });
  } finally {
    clearInterval(timer);
    progress.stop();
  }
}

function printTable(outcomes: readonly Outcome[], output: Output): void {
  const dirs = outcomes
    .flatMap(({ run }) => generationsOf(run.options).map(studentFolder))
    .filter((dir) => existsSync(dir));
  const found = collectRuns(dirs);
  const summaries = summarize(found.runs, publishedOf);
  const notes = summaryNotes(summaries);
  const below = fitLines(notes.join("\n"), output.width);
  const table = renderFitted(summaryTable(summaries), output.width);
  const text = [table, ...(notes.length > 0 ? ["", below] : [])];
  const sweep = outcomes.map(({ run, state, reason = null }) => {
    return { runDir: run.runDir, state, reason };
  });
  output.result(text.join("\n"), { sweep, ...(reportDocument(summaries, found) as object) });
}

function refuseFailed(outcomes: readonly Outcome[]): void {
  const failed = outcomes.filter(({ state }) => state === "failed");
  if (failed.length === 0) return;
  const rows = failed.map(({ run, reason = "" }) => [run.label, reason]);
  throw runError(
    `${failed.length} of ${outcomes.length} runs failed.\n\n${renderFitted({ columns: columns("run", "why"), rows }, columnsOf(process.stderr))}\n`,
    "The same command retries only these; --print shows the commands of single runs.",
  );
}

function withoutUnfit(planned: readonly SweepRun[], output: Output): readonly SweepRun[] {
  const { runs, leftOut } = fittingRuns(planned);
  for (const sentence of leftOut) output.notice(`Skipped: ${sentence}`);
  return runs;
}

/** pefd sweep: the cross product of options given as lists, one process for each run. */
export const command: Command = {
  sections: trainingSections(SECTIONS),
  positionals: { usage: "[FILE|zoo]", min: 0, max: 1, completes: "sweeps" },
  examples: [
    ["pefd sweep --distill ours,kd --trials 1-3 --path_t TEACHER", "two methods, three seeds each"],
    [
      "pefd sweep zoo --model_t resnet32x4 --model_s resnet8x4 --trials 1-3",
      "every method with its published settings for the pair",
    ],
    ["pefd sweep ablation --jobs 2", "lists of a preset or file; two runs in parallel"],
    ["pefd sweep smoke --trials 1-2 --print", "print the commands, run nothing"],
    ["pefd sweep FILE --launcher slurm --partition gpu --gpus 1 --time 1:00:00", "as a job array"],
  ],
  async run(invocation) {
    const { output, positionals } = invocation;
    const { jobs, print } = resolveSection(SWEEP, invocation.layers);
    const { modelNameInFile } = await import("../modelInFile.js");
    const { launcher, status, ...slurm } = resolveSection(SLURM, invocation.layers);
    const layers = sweepLayers(invocation.layers, positionals[0]);
    const planned = await planSweep(layers, modelNameInFile);
    const runs = positionals[0] === ZOO ? withoutUnfit(planned, output) : planned;
    const { save_dir: saveDir, track } = resolveSection(OUTPUT, layers);
    if (track !== undefined) trackingPlace(track, invocation.env);
    if (print) return printCommands(runs, invocation);
    if (status) return printStatus(runs, saveDir, invocation);
    await refuseOtherRuns(runs);
    if (invocation.flags.dry_run) return printPlan(runs, output);
    if (launcher === "slurm") return submitSweep(runs, saveDir, { ...slurm, jobs }, invocation);
    for (const text of new Set(runs.map((run) => unreachedText(run.options))))
      if (text !== undefined) output.notice(text);
    const outcomes = await carryOut(runs, jobs ?? 1, invocation);
    printTable(outcomes, output);
    output.notice(`A page of these runs: pefd report ${shellWord(saveDir)} --html report.html`);
    refuseFailed(outcomes);
  },
};
