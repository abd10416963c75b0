import type { ChalkInstance } from "chalk";
import { cleanLine, cleanText, counted, textWidth } from "../../common/text.js";
import { palette } from "../color.js";
import { formatDuration, secondsLeft } from "../duration.js";
import { fitLines } from "../fit.js";
import type { Best, EpochRow, Metrics, RunInfo, RunReporter, StepProgress } from "../log/contract.js";
import { newestMean } from "../log/epochLog.js";
import { createProgressBar, type TextStream } from "./progressBar.js";

function runLines(info: RunInfo): string[] {
  const goesOn = info.firstEpoch > 1 ? `, resuming at epoch ${info.firstEpoch}` : "";
  return [
    info.title,
    `  ${counted(info.epochs, "epoch")} of ${counted(info.steps, "step")}${goesOn}; ${info.engine} engine, ${info.precision}, ${info.device}`,
    ...(info.loss === undefined ? [] : [`  ${info.loss}`]),
    `  ${info.runDir}`,
  ];
}

/** Fields beside the progress bar, most important first. */
export function stepFields(p: StepProgress, eta: string): string[] {
  const speed = p.batchSeconds > 0 ? p.images / p.step / p.batchSeconds : 0;
  return [
    `epoch ${p.epoch}/${p.epochs}`,
    `ETA ${eta}`,
    `step ${p.step}/${p.steps}`,
    `loss ${p.loss.toFixed(3)}`,
    `acc ${p.top1.toFixed(1)}%`,
    `${speed.toFixed(speed < 100 ? 1 : 0)} images/s`,
  ];
}

type EpochSoFar = { readonly last: StepProgress | undefined; readonly batchSum: number; readonly dataSum: number };

const EPOCH_START: EpochSoFar = { last: undefined, batchSum: 0, dataSum: 0 };

function advance(before: EpochSoFar, p: StepProgress): EpochSoFar {
  const steps = p.step - (before.last?.step ?? 0);
  return {
    last: p,
    batchSum: before.batchSum + p.batchSeconds * steps,
    dataSum: before.dataSum + p.dataSeconds * steps,
  };
}

function line(before: StepProgress | undefined, now: EpochSoFar, p: StepProgress): string {
  const field = (name: string, value: number, mean: number, digits: number) =>
    `${name} ${value.toFixed(digits)} (${mean.toFixed(digits)})`;
  return [
    `Epoch: [${p.epoch}][${p.step - 1}/${p.steps}]`,
    field("Time", p.batchSeconds, now.batchSum / p.step, 3),
    field("Data", p.dataSeconds, now.dataSum / p.step, 3),
    field("Loss", newestMean(before, p, "loss"), p.loss, 4),
    field("Acc@1", newestMean(before, p, "top1"), p.top1, 3),
    field("Acc@5", newestMean(before, p, "top5"), p.top5, 3),
  ].join("\t");
}

/**
 * Lines as the paper's train_student.py prints them, at every 0-based step index that `printFreq` divides: value of the
 * newest batch and, in brackets, the mean over the epoch so far.
 */
function createPaperLines(printFreq: number): (p: StepProgress) => string | undefined {
  let soFar = EPOCH_START;
  return (p) => {
    const before = soFar.last?.epoch === p.epoch ? soFar : EPOCH_START;
    soFar = advance(before, p);
    // Several steps may run in one call: a line is due when one of them had such an index.
    const lastIndex = (before.last?.step ?? 0) - 1;
    const due = Math.floor((p.step - 1) / printFreq) > Math.floor(lastIndex / printFreq);
    return due ? line(before.last, soFar, p) : undefined;
  };
}

/** A piece of the line; the highest rank is dropped first. */
interface Piece {
  readonly rank: number;
  readonly text: string;
  /** Prefix of the group's first piece. */
  readonly group?: "train" | "test";
  readonly paint?: (text: string) => string;
  /** Columns that the widest such text takes: what a line drops does not change from line to line. */
  readonly widest?: number;
}

const RANKS = { train: { loss: 3, top1: 4, top5: 9 }, test: { loss: 5, top1: 0, top5: 8 } } as const;

const percent = (value: number) => value.toFixed(2).padStart(5);

const metrics = (group: "train" | "test", { loss, top1, top5 }: Metrics): Piece[] => [
  { group, rank: RANKS[group].loss, text: `loss ${loss.toFixed(4).padStart(7)}` },
  { group, rank: RANKS[group].top1, text: `top-1 ${percent(top1)}` },
  { group, rank: RANKS[group].top5, text: `top-5 ${percent(top5)}` },
];

function joined(pieces: readonly Piece[], isMeasured = false): string {
  return pieces.reduce((line, { text, group, paint = (plain: string) => plain, widest = 0 }, index) => {
    const shown = isMeasured ? text.padEnd(widest) : paint(text);
    const before = pieces[index - 1];
    if (before === undefined) return shown;
    if (group === undefined) return `${line}  ${shown}`;
    return before.group === group ? `${line} ${shown}` : `${line}  ${group} ${shown}`;
  }, "");
}

function fitting(pieces: readonly Piece[], columns: number): readonly Piece[] {
  let kept = pieces;
  while (kept.length > 1 && textWidth(joined(kept, true)) > columns) {
    const last = Math.max(...kept.map(({ rank }) => rank));
    kept = kept.filter(({ rank }) => rank !== last);
  }
  return kept;
}

const WIDEST_ETA = "ETA 59 min 59 s".length;

/** Line of a finished epoch, its numbers in the same columns as in all others; where narrow, test accuracy, best, time left and training loss stay longest. */
function epochLine(
  row: EpochRow,
  best: Best,
  { epochs, eta, columns }: { epochs: number; eta: string; columns: number },
  paint: ChalkInstance,
): string {
  const width = String(epochs).length;
  const isBest = best.epoch === row.epoch;
  const bestText = `best ${percent(best.top1)} (epoch ${String(best.epoch).padStart(width)})`;
  const pieces: Piece[] = [
    { rank: -1, text: `epoch ${String(row.epoch).padStart(width)}/${epochs}` },
    { rank: 7, text: `lr ${row.learningRate.toPrecision(3).padEnd(8)}` },
    ...metrics("train", row.train),
    ...metrics("test", row.test),
    { rank: 1, text: bestText, ...(isBest && { paint: (text: string) => paint.green(text) }) },
    { rank: 6, text: `${row.seconds.toFixed(1).padStart(5)} s` },
    { rank: 11, text: `${row.stepMs.toFixed(1).padStart(6)} ms/step` },
    { rank: 10, text: `${row.imagesPerSecond.toFixed(0).padStart(5)} images/s` },
    { rank: 2, text: row.epoch < epochs ? `ETA ${eta}` : "", widest: WIDEST_ETA },
  ];
  return joined(fitting(pieces, columns)).trimEnd();
}

export type * from "../log/contract.js";

export interface ReporterOptions {
  readonly stream: TextStream;
  readonly isTTY: boolean;
  readonly columns: number;
  /** Seconds without a line after which one is written off a terminal; 0 or undefined for never. */
  readonly logEvery?: number | undefined;
  /** Print the paper's line every so many steps; none when not given. */
  readonly printFreq?: number | undefined;
  readonly quiet?: boolean | undefined;
  readonly color: boolean;
  /** Milliseconds, for the ETA; default a monotonic clock. */
  readonly now?: () => number;
}

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

function createHeartbeat(seconds = 0, now: () => number) {
  let last = now();
  return {
    heard() {
      last = now();
    },
    isDue: () => seconds > 0 && now() - last >= seconds * 1000,
  };
}

/** Reports a run to the given stream: progress bar on a terminal, a line per epoch, the paper's lines on request. */
export function createReporter(options: ReporterOptions): RunReporter {
  if (options.quiet) return quietReporter(options);
  const { stream, color } = options;
  const paint = palette(color);
  const now = options.now ?? (() => performance.now());
  let eta = createEta(now);
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
      eta = createEta(now);
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
  return { ...silentReporter, warn: (text) => void stream.write(`${paint.yellow(`warning: ${cleanText(text)}`)}\n`) };
}
