import { join } from "node:path";
import type { Section } from "../common/optionRow.js";
import { pluginWords } from "../common/plugins.js";
import { CONFIGURATION, DOCUMENT, GENERAL } from "../config/commandOptions.js";
import type { TrainOptions } from "../config/options.js";
import type { Resolved } from "../config/resolve.js";
import { renderFitted } from "../report/fit.js";
import { createReporter, type RunReporter } from "../report/live/reporter.js";
import { columns } from "../report/table.js";
import { createTracker, type Tracker } from "../report/track/tracker.js";
import { trackingPlace } from "../report/track/trackers.js";
import { endedBySignals } from "../runtime/blocking.js";
import type { Hooks, RunResult } from "../train/files/result.js";
import type { Invocation, Output } from "./command.js";
import { onDevices } from "./devices.js";
import { Interrupted, interruptible } from "./interrupt.js";
import { COLUMNS, isScreen } from "./output.js";
import { typedLine } from "./typed.js";

/** The sections of a command that trains: its own, and those of every such command. */
export const trainingSections = (own: readonly Section[]): readonly Section[] => [
  ...own,
  CONFIGURATION,
  DOCUMENT,
  GENERAL,
];

const shown = (value: unknown): string =>
  value === undefined ? "-" : Array.isArray(value) ? value.join(",") : String(value);

/** Prints the resolved configuration, an option and its origin per line; throws inputError for an invalid tracker. */
export function printDryRun({ options, origins }: Pick<Resolved<object>, "options" | "origins">, output: Output): void {
  const { track } = options as { readonly track?: string | undefined };
  if (track !== undefined) trackingPlace(track, process.env);
  const rows = Object.entries(options).map(([name, value]) => [name, shown(value), origins[name] ?? ""]);
  const table = { columns: columns("option", "value", "from"), rows };
  output.result(renderFitted(table, output.width), { options, origins });
}

/** The words that go on with an interrupted run. */
export function resumeWords(argv: readonly string[]): string[] {
  const kept = argv.filter((word) => word !== "--force" && word !== "--resume");
  return [...kept, "--resume"];
}

const percent = (value: number): string => `${value.toFixed(2)} %`;

const IMAGE_OPTIONS = ["data", "limit_test", "skip_list"] as const;
type ImageOptions = Pick<TrainOptions, (typeof IMAGE_OPTIONS)[number]>;

/** The words that evaluate a run's last weights on the images of its own evaluations. */
function evaluationWords(checkpoint: string, options: ImageOptions): string[] {
  const images = IMAGE_OPTIONS.flatMap((name) =>
    options[name] === undefined ? [] : [`--${name}`, String(options[name])],
  );
  return ["eval", ...pluginWords(), "--checkpoint", checkpoint, ...images];
}

function runSummary(result: RunResult, model: string, options: ImageOptions): string {
  const { runDir, test, best, epochs } = result;
  const checkpoint = join(runDir, `${model}_last.safetensors`);
  return [
    `Run folder   ${runDir}`,
    `Last top-1   ${percent(test.top1)} (epoch ${epochs})`,
    `Best top-1   ${percent(best.top1)} (epoch ${best.epoch})`,
    `Evaluate     ${typedLine(evaluationWords(checkpoint, options))}`,
  ].join("\n");
}

function reporterOf(
  { output }: Invocation,
  { print_freq: printFreq, log_every: logEvery }: Pick<TrainOptions, "print_freq" | "log_every">,
): RunReporter {
  const { stderr } = process;
  return createReporter({
    stream: stderr,
    isTTY: isScreen(stderr),
    columns: stderr.columns ?? COLUMNS,
    printFreq,
    logEvery,
    quiet: output.quiet,
    color: output.color,
  });
}

async function tracked<Result>(tracker: Tracker | undefined, work: () => Promise<Result>): Promise<Result> {
  try {
    const result = await work();
    await tracker?.finish("FINISHED");
    return result;
  } catch (error) {
    await tracker?.finish(error instanceof Interrupted ? "KILLED" : "FAILED");
    throw error;
  }
}

/** Runs a cleanup if the process exits on a second signal or an uncaught error. */
function atExit(act: () => void): () => void {
  process.once("exit", act);
  return () => process.off("exit", act);
}

/**
 * Trains runs one after another, with a reporter on stderr; stops in good order, prints the result. `model` names the
 * files of their weights.
 */
export async function runTraining(
  invocation: Invocation,
  options: Pick<TrainOptions, "print_freq" | "log_every" | "track" | "devices" | "device_timeout" | keyof ImageOptions>,
  model: string,
  runs: readonly ((hooks: Hooks) => Promise<RunResult>)[],
): Promise<void> {
  const { output, argv, env } = invocation;
  const plain = reporterOf(invocation, options);
  const { track } = options;
  const place = track === undefined ? undefined : trackingPlace(track, env);
  await place?.prepare?.();
  const hint = `Resume with: ${typedLine(resumeWords(argv))}`;
  const origin = { command: typedLine(argv), node: process.versions.node };
  const blocking = (work: () => void) => endedBySignals(hint, work);
  const results: RunResult[] = [];
  await interruptible(
    async (signal) => {
      for (const train of runs) {
        signal.throwIfAborted();
        const result = onDevices(options, argv, hint, (devices) => {
          const tracker = place && (devices?.rank ?? 0) === 0 ? createTracker(plain, place) : undefined;
          const reporter = tracker?.reporter ?? plain;
          const hooks = { reporter, signal, atExit, blocking, env, origin, ...(devices && { devices }) };
          return tracked(tracker, () => train(hooks));
        });
        results.push(await result);
      }
    },
    { onSignal: (name) => plain.warn(`${name}: saving progress; repeat to stop immediately`), hint },
  );
  output.result(results.map((result) => runSummary(result, model, options)).join("\n\n"), results.at(-1));
}
