import { join } from "node:path";
import { shellWord } from "../../common/text/shellWord.js";
import type { TrainOptions } from "../../config/options.js";
import { createReporter, type RunReporter } from "../../report/live/reporter.js";
import { endedBySignals } from "../../runtime/blocking.js";
import type { Hooks, RunResult } from "../../train/files/result.js";
import type { Invocation } from "../command.js";
import { interruptible } from "../interrupt.js";
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
    `Evaluate it  pefd eval --checkpoint ${shellWord(checkpoint)} --data ${shellWord(data)}${skipped === undefined ? "" : ` --skip_list ${shellWord(skipped)}`}`,
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
  options: Pick<TrainOptions, "print_freq" | keyof ImageOptions>,
  model: string,
  train: (hooks: Hooks) => Promise<RunResult>,
): Promise<undefined> {
  const { output, argv } = invocation;
  const reporter = reporterOf(invocation, options.print_freq);
  const hint = `Go on with: ${resumeLine(argv)}`;
  const blocking = (work: () => void) => endedBySignals(hint, work);
  const result = await interruptible(
    (signal) => train({ reporter, signal, atExit, blocking, env: invocation.env }),
    {
      onSignal: (name) => reporter.warn(`${name}: keeping what is done; once more stops at once`),
      hint,
    },
  );
  output.result(runSummary(result, model, options), result);
}
