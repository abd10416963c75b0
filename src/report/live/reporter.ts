import { cleanLine, cleanText } from "../../common/text/cleanText.js";
import { palette } from "../color.js";
import { formatDuration, secondsLeft } from "../duration.js";
import { fitLines } from "../fit.js";
import type { RunInfo, RunReporter } from "../log/contract.js";
import { epochLine } from "./epochLine.js";
import { runLines, stepFields } from "./lines.js";
import { createPaperLines } from "./paperLines.js";
import { createProgressBar, type TextStream } from "./progressBar.js";

export type * from "../log/contract.js";

/** How and where a reporter writes. */
export interface ReporterOptions {
  readonly stream: TextStream;
  /** A terminal gets a progress bar, anything else plain lines. */
  readonly isTTY: boolean;
  /** Width of the terminal where the stream does not tell. */
  readonly columns: number;
  /** Off a terminal, a line after so many seconds without one; none for 0 and where it is not given. */
  readonly logEvery?: number | undefined;
  /** Print the paper's line every so many steps; none when not given. */
  readonly printFreq?: number | undefined;
  /** Warnings only. */
  readonly quiet?: boolean | undefined;
  readonly color: boolean;
  /** Milliseconds, for the estimate of the time left; by default of a clock that nobody sets. */
  readonly now?: () => number;
}

/** A reporter that says nothing. */
export const silentReporter: RunReporter = {
  runStarted() {},
  notice() {},
  warn() {},
  phase() {},
  stepDone() {},
  evaluating() {},
  epochDone() {},
  runEnded() {},
};

/** Estimates the time left from the pace since the first report, so that compiling does not count. */
function createEta(now: () => number) {
  let first: { at: number; done: number } | undefined;
  return (done: number, total: number): string => {
    first ??= { at: now(), done };
    const left = secondsLeft((now() - first.at) / 1000, done - first.done, total - first.done);
    return left === undefined ? "?" : formatDuration(left);
  };
}

/** Tells when nothing was heard for so many seconds; never where they are 0 or not given. */
function createHeartbeat(seconds = 0, now: () => number) {
  let last = now();
  return {
    heard() {
      last = now();
    },
    isDue: () => seconds > 0 && now() - last >= seconds * 1000,
  };
}

/**
 * The reporter of a run: a bar on a terminal, one line per epoch, and the paper's lines where asked for.
 * Nothing is written but to the given stream.
 */
export function createReporter(options: ReporterOptions): RunReporter {
  if (options.quiet) return quietReporter(options);
  const { stream, color } = options;
  const paint = palette(color);
  const now = options.now ?? (() => performance.now());
  const eta = createEta(now);
  const bar = options.isTTY ? createProgressBar(stream, options.columns, color) : undefined;
  const paperLine = options.printFreq ? createPaperLines(options.printFreq) : () => undefined;
  const columns = () => (bar ? stream.columns || options.columns : Number.POSITIVE_INFINITY);
  const beat = createHeartbeat(bar ? 0 : options.logEvery, now);
  const say = (text: string) => {
    beat.heard();
    if (bar) bar.above(text);
    else stream.write(`${text}\n`);
  };
  let run: RunInfo | undefined;
  let done = 0;

  return {
    runStarted(info) {
      run = info;
      done = (info.firstEpoch - 1) * info.steps + (info.stepsDone ?? 0);
      for (const text of runLines(info)) say(fitLines(cleanLine(text), columns()));
      bar?.start(info.epochs * info.steps, done);
      bar?.update(done, [`epoch ${info.firstEpoch}/${info.epochs}`]);
    },
    notice: (text) => say(cleanText(text)),
    warn: (text) => say(paint.yellow(`warning: ${cleanText(text)}`)),
    phase(text) {
      if (text === "") return;
      if (bar && run) bar.update(done, [text]);
      else say(text);
    },
    stepDone(progress) {
      done = (progress.epoch - 1) * progress.steps + progress.step;
      const text = paperLine(progress);
      if (text !== undefined) say(text);
      const left = eta(done, progress.epochs * progress.steps);
      bar?.update(done, stepFields(progress, left));
      if (beat.isDue()) say(stepFields(progress, left).join("  "));
    },
    evaluating(images, total) {
      const text = `evaluating: ${images} of ${total} images`;
      bar?.update(done, [text]);
      if (beat.isDue()) say(text);
    },
    epochDone(row, best) {
      const steps = run?.steps ?? 0;
      const epochs = run?.epochs ?? row.epoch;
      const left = eta(row.epoch * steps, epochs * steps);
      say(epochLine(row, best, { epochs, eta: left, columns: columns() }, paint));
    },
    runEnded: () => bar?.stop(),
  };
}

function quietReporter({ stream, color }: ReporterOptions): RunReporter {
  const paint = palette(color);
  return {
    ...silentReporter,
    warn: (text) => void stream.write(`${paint.yellow(`warning: ${cleanText(text)}`)}\n`),
  };
}
