import { join } from "node:path";
import { inputError } from "../../common/errors.js";
import { pluginWords } from "../../common/plugins.js";
import { shellWord } from "../../common/text/shellWord.js";
import type { TrainOptions } from "../../config/options.js";
import { createReporter, type RunReporter } from "../../report/live/reporter.js";
import { mlflowServer } from "../../report/track/mlflow.js";
import { createTracker, type Tracker } from "../../report/track/tracker.js";
import { endedBySignals } from "../../runtime/blocking.js";
import type { Hooks, RunResult } from "../../train/files/result.js";
import type { Invocation } from "../command.js";
import { Interrupted, interruptible } from "../interrupt.js";
import { COLUMNS } from "../output.js";

/** The command line that goes on with an interrupted run. */
export function resumeLine(argv: readonly string[]): string {
  const kept = argv.filter((word) => word !== "--force" && word !== "--resume");
  return ["pefd", ...kept, "--resume"].map(shellWord).join(" ");
}

const percent = (value: number): string => `${value.toFixed(2)} %`;

/** Where a run's images lie, and which of them are left out. */
type ImageOptions = Pick<TrainOptions, "data" | "skip_list">;

/** A finished run in a few lines: where it lies, how good it is, what to type next. */
function runSummary(
  result: RunResult,
  model: string,
  { data, skip_list: skipped }: ImageOptions,
): string {
  const { runDir, test, best, epochs } = result;
  const checkpoint = join(runDir, `${model}_last.safetensors`);
  return [
    `Run folder   ${runDir}`,
    `Last top-1   ${percent(test.top1)} (epoch ${epochs})`,
    `Best top-1   ${percent(best.top1)} (epoch ${best.epoch})`,
    `Evaluate it  ${["pefd", "eval", ...pluginWords().map(shellWord)].join(" ")} --checkpoint ${shellWord(checkpoint)} --data ${shellWord(data)}${skipped === undefined ? "" : ` --skip_list ${shellWord(skipped)}`}`,
  ].join("\n");
}

function reporterOf({ output }: Invocation, printFreq: number | undefined): RunReporter {
  const { stderr } = process;
  return createReporter({
    stream: stderr,
    isTTY: stderr.isTTY === true,
    columns: stderr.columns ?? COLUMNS,
    printFreq,
    quiet: output.quiet,
    color: output.color,
  });
}

/** What sends a run's epochs to the tracking server at an address. @throws inputError for what is no address */
function trackerOf(address: string, reporter: RunReporter, env: Invocation["env"]): Tracker {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) {
    return createTracker(reporter, mlflowServer(url, env));
  }
  throw inputError(
    `--track takes the address of an MLflow server; "${address}" is none.`,
    "Such as http://127.0.0.1:5000, where `mlflow server` listens.",
  );
}

/** Runs a training and tells a tracker how it has ended, whether it is done, interrupted or failed. */
async function tracked<Result>(
  tracker: Tracker | undefined,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    const result = await work();
    await tracker?.finish("FINISHED");
    return result;
  } catch (error) {
    await tracker?.finish(error instanceof Interrupted ? "KILLED" : "FAILED");
    throw error;
  }
}

/** Has something done should this process end by a second signal, or by an error that nobody caught. */
function atExit(act: () => void): () => void {
  process.once("exit", act);
  return () => process.off("exit", act);
}

/**
 * Runs a training with a reporter on stderr and in good order when it is interrupted, then prints its result.
 * @param model the model that is trained, which names the files of its weights
 */
export async function runTraining(
  invocation: Invocation,
  options: Pick<TrainOptions, "print_freq" | "track" | keyof ImageOptions>,
  model: string,
  train: (hooks: Hooks) => Promise<RunResult>,
): Promise<undefined> {
  const { output, argv } = invocation;
  const plain = reporterOf(invocation, options.print_freq);
  const { track } = options;
  const tracker = track === undefined ? undefined : trackerOf(track, plain, invocation.env);
  const reporter = tracker?.reporter ?? plain;
  const hint = `Go on with: ${resumeLine(argv)}`;
  const blocking = (work: () => void) => endedBySignals(hint, work);
  const result = await interruptible(
    (signal) =>
      tracked(tracker, () => train({ reporter, signal, atExit, blocking, env: invocation.env })),
    {
      onSignal: (name) => reporter.warn(`${name}: keeping what is done; once more stops at once`),
      hint,
    },
  );
  output.result(runSummary(result, model, options), result);
}
