import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import { inputError, runError } from "../../common/errors.js";
import { writeFileAtomic } from "../../common/files/atomicFile.js";
import { readInputText, throwIfRefused } from "../../common/files/inputFile.js";
import type { EpochRow, StepProgress, TrainingMetrics } from "./contract.js";

/** Mean over the images between two reports of an epoch, from their running means; `before` undefined at its start. */
export function newestMean(before: StepProgress | undefined, now: StepProgress, key: "loss" | "top1" | "top5"): number {
  const images = now.images - (before?.images ?? 0);
  if (images <= 0) return now[key];
  const sum = now[key] * now.images - (before?.[key] ?? 0) * (before?.images ?? 0);
  // Losses and percentages are never negative, but the difference of two roundings may be.
  return Math.max(0, sum / images);
}

interface AppendOnlyFile {
  /** Adds one record in one write, so that a reader sees all of it or nothing. */
  append(record: Uint8Array): void;
  /** Returns once what was appended is on the disk. */
  flush(): void;
  close(): void;
}

function reason(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "ENOSPC") return "the disk is full";
  if (code === "EROFS") return "the file system is read-only";
  if (code === "EACCES" || code === "EPERM") return "no permission to write it";
  return message;
}

/** Runs an action that writes `path`; file system errors become a runError with file, reason and remedy. */
export function guardWrites<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw runError(
      `${path} could not be written: ${reason(error)}.`,
      "Free some space or choose another folder; earlier epochs are intact.",
    );
  }
}

function appendWhole(descriptor: number, record: Uint8Array): void {
  const size = fstatSync(descriptor).size;
  try {
    let written = 0;
    while (written < record.length) written += writeSync(descriptor, record, written);
  } catch (error) {
    takeBack(descriptor, size);
    throw error;
  }
}

/** Cuts off half a record; if even that fails, the first error is the one to report. */
function takeBack(descriptor: number, size: number): void {
  try {
    ftruncateSync(descriptor, size);
  } catch {}
}

/** Opens a file for appending, made when missing; its functions throw runError, and half a record is taken back. */
export function openAppendOnly(path: string): AppendOnlyFile {
  const guarded = <T>(action: () => T) => guardWrites(path, action);
  const descriptor = guarded(() => openSync(path, "a"));
  return {
    append: (record) => guarded(() => appendWhole(descriptor, record)),
    flush: () => guarded(() => fsyncSync(descriptor)),
    close: () => guarded(() => closeSync(descriptor)),
  };
}

export const EPOCH_LOG = "epochs.csv";

const COLUMNS: readonly (readonly [name: string, value: (row: EpochRow) => number])[] = [
  ["epoch", (row) => row.epoch],
  ["learning_rate", (row) => row.learningRate],
  ["train_loss", (row) => row.train.loss],
  ["train_top1", (row) => row.train.top1],
  ["train_top5", (row) => row.train.top5],
  ["test_loss", (row) => row.test.loss],
  ["test_top1", (row) => row.test.top1],
  ["test_top5", (row) => row.test.top5],
  ["seconds", (row) => row.seconds],
  ["step_ms", (row) => row.stepMs],
];

/** Columns and values of an epoch's row, loss terms last. */
export const epochValues = (row: EpochRow): [column: string, value: number][] => [
  ...COLUMNS.map(([name, value]): [string, number] => [name, value(row)]),
  ...Object.entries(row.train.terms ?? {}).map(([term, value]): [string, number] => [termColumn(term), value]),
];

const NAMES = COLUMNS.map(([name]) => name);

const TERM = /^train_([a-z]\w{0,39})$/;
const termColumn = (term: string): string => `train_${term}`;

/** More terms than any loss has. */
const MOST_TERMS = 100;

const headerOf = (terms: readonly string[]): string => [...NAMES, ...terms.map(termColumn)].join(",");

/** The loss terms in a log's header; undefined where the line is no header. */
function termsOf(header: string): string[] | undefined {
  const names = header.trim().split(",");
  const terms = names.slice(NAMES.length).map((name) => TERM.exec(name)?.[1]);
  if (names.slice(0, NAMES.length).join() !== NAMES.join() || terms.length > MOST_TERMS) return;
  return terms.every((term) => term !== undefined) ? terms : undefined;
}

export interface EpochLog {
  /** The row is on the disk when this returns. */
  append(row: EpochRow): void;
  close(): void;
}

const valuesOf = (row: EpochRow, terms: readonly string[]): number[] => [
  ...COLUMNS.map(([, value]) => value(row)),
  ...terms.map((term) => row.train.terms?.[term] ?? Number.NaN),
];

// String() gives the shortest decimal that reads back as the same number, NaN and Infinity included.
const format = (row: EpochRow, terms: readonly string[]): string => valuesOf(row, terms).map(String).join(",");

const NUMBER = /^\s*(NaN|-?Infinity|-?\d+(\.\d+)?(e[+-]?\d+)?)\s*$/;

const isAccuracy = (value: number) => Number.isNaN(value) || (value > -0.01 && value < 100.01);

/** Whether a row can be one of a training; losses and rates may be anything. */
const isPossible = ({ epoch, train, test, seconds, stepMs }: EpochRow): boolean =>
  Number.isSafeInteger(epoch) &&
  epoch >= 1 &&
  [train.top1, train.top5, test.top1, test.top5].every(isAccuracy) &&
  [seconds, stepMs].every((value) => Number.isNaN(value) || (value >= 0 && value < 1e12));

function parse(line: string, terms: readonly string[]): EpochRow | undefined {
  const cells = line.split(",");
  const isWhole = cells.length === COLUMNS.length + terms.length;
  if (!isWhole || !cells.every((cell) => NUMBER.test(cell))) return undefined;
  const row = rowOf(cells.map(Number), terms);
  return isPossible(row) ? row : undefined;
}

function rowOf(values: readonly number[], names: readonly string[]): EpochRow {
  const own = names.map((name, i) => [name, values[COLUMNS.length + i] ?? Number.NaN] as const);
  const at = (index: number) => values[index] ?? Number.NaN;
  const means = { loss: at(2), top1: at(3), top5: at(4) };
  return {
    epoch: at(0),
    learningRate: at(1),
    train: own.length === 0 ? means : { ...means, terms: Object.fromEntries(own) },
    test: { loss: at(5), top1: at(6), top5: at(7) },
    seconds: at(8),
    stepMs: at(9),
    imagesPerSecond: 0,
  };
}

/**
 * A view of a row whose numbers stand in one array with its run's: 480,000 rows as objects take 300 MB. Its object
 * literals are its own: V8 places the objects of a literal that are often kept, as those of rowOf, in old space.
 */
class PackedRow implements EpochRow {
  readonly values: Float64Array;
  readonly start: number;
  readonly terms: readonly string[];
  constructor(values: Float64Array, start: number, terms: readonly string[]) {
    this.values = values;
    this.start = start;
    this.terms = terms;
  }
  private at(column: number): number {
    return this.values[this.start + column] ?? Number.NaN;
  }
  get epoch() {
    return this.at(0);
  }
  get learningRate() {
    return this.at(1);
  }
  get train(): TrainingMetrics {
    const [loss, top1, top5] = [this.at(2), this.at(3), this.at(4)];
    if (this.terms.length === 0) return { loss, top1, top5 };
    const terms: Record<string, number> = {};
    for (const [i, name] of this.terms.entries()) terms[name] = this.at(COLUMNS.length + i);
    return { loss, top1, top5, terms };
  }
  get test() {
    return { loss: this.at(5), top1: this.at(6), top5: this.at(7) };
  }
  get seconds() {
    return this.at(8);
  }
  get stepMs() {
    return this.at(9);
  }
  get imagesPerSecond() {
    return 0;
  }
}

/** The rows of one run, which must have the same terms, in little memory. */
export function packRows(rows: readonly EpochRow[]): readonly EpochRow[] {
  const terms = Object.keys(rows[0]?.train.terms ?? {});
  const width = COLUMNS.length + terms.length;
  const values = new Float64Array(rows.length * width);
  rows.forEach((row, at) => {
    values.set(valuesOf(row, terms), at * width);
  });
  return rows.map((_, at) => new PackedRow(values, at * width, terms));
}

/** A line takes about 150 bytes, so this is more than any training logs. */
const MAX_FILE_BYTES = 2 ** 24;

function readLog(path: string): string {
  try {
    return readInputText(path, { maxBytes: MAX_FILE_BYTES });
  } catch (error) {
    throwIfRefused(path, error);
    throw error;
  }
}

/** The complete lines after the header; a last line without newline is still being written. */
function completeLines(path: string): { lines: string[]; terms: readonly string[] } {
  const lines = readLog(path).split("\n").slice(0, -1);
  const header = lines.shift();
  const terms = header === undefined ? [] : termsOf(header);
  if (terms !== undefined) return { lines, terms };
  throw inputError(`${path} is not a log of epochs: its first line is not "${headerOf([])}".`);
}

/** Rows of a run's epochs.csv, which may be growing; none without a file. @throws inputError naming file and line */
export function readEpochLog(runDir: string): EpochRow[] {
  const path = join(runDir, EPOCH_LOG);
  if (!existsSync(path)) return [];
  let last = 0;
  const { lines, terms } = completeLines(path);
  return lines.map((line, index) => {
    const row = parse(line, terms);
    const where = `${path}, line ${index + 2}`;
    if (!row) {
      const found = line.slice(0, 60);
      throw inputError(`${where}: expected ${COLUMNS.length + terms.length} numbers of an epoch, found "${found}".`);
    }
    if (row.epoch <= last) {
      throw inputError(`${where}: epoch ${row.epoch} follows epoch ${last}.`);
    }
    last = row.epoch;
    return row;
  });
}

/** Complete lines of a run's epochs.csv, undefined without one; throws inputError if it is no bounded regular file. */
export function epochLogText(runDir: string): string | undefined {
  const path = join(runDir, EPOCH_LOG);
  if (!existsSync(path)) return undefined;
  const text = readLog(path);
  return text.slice(0, text.lastIndexOf("\n") + 1);
}

/** `text` plus one row, with a header where it is empty. */
export function epochLogWith(text: string | undefined, row: EpochRow): string {
  const before = text || `${headerOf(Object.keys(row.train.terms ?? {}))}\n`;
  const terms = termsOf(before.slice(0, before.indexOf("\n"))) ?? [];
  return `${before}${format(row, terms)}\n`;
}

/** Header and lines to keep when a run resumes after an epoch; unreadable ones (a machine crash) go. */
function keptLog(path: string, afterEpoch: number, named: readonly string[]) {
  if (afterEpoch === 0 || !existsSync(path)) return { lines: [], terms: named };
  const { lines, terms } = completeLines(path);
  const isKept = (line: string) => (parse(line, terms)?.epoch ?? Infinity) <= afterEpoch;
  return { lines: lines.filter(isKept), terms };
}

/** Opens epochs.csv without rows after `afterEpoch` (0: anew). @param terms its columns @throws runError, inputError */
export async function openEpochLog(
  runDir: string,
  { afterEpoch, terms: named = [] }: { afterEpoch: number; terms?: readonly string[] },
): Promise<EpochLog> {
  const path = join(runDir, EPOCH_LOG);
  const { lines, terms } = keptLog(path, afterEpoch, named);
  await writeFileAtomic(path, `${[headerOf(terms), ...lines].join("\n")}\n`);
  const file = openAppendOnly(path);
  return {
    append(row) {
      file.append(Buffer.from(`${format(row, terms)}\n`));
      file.flush();
    },
    close: file.close,
  };
}
