import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../common/atomicFile.js";
import { inputError } from "../common/errors.js";
import { readInputText } from "../common/inputFile.js";
import { openAppendOnly } from "./appendOnly.js";
import type { EpochRow } from "./contract.js";

/** The file's name in a run's folder. */
export const EPOCH_LOG = "epochs.csv";

/** Column names and where their values stand, in the file's order. */
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

const HEADER = COLUMNS.map(([name]) => name).join(",");

/** The log of a run's epochs, one line each. */
export interface EpochLog {
  /** Adds a row; it is on the disk when this returns. */
  append(row: EpochRow): void;
  close(): void;
}

// String() gives the shortest decimal that reads back as the same number, NaN and Infinity included.
const format = (row: EpochRow) => COLUMNS.map(([, value]) => String(value(row))).join(",");

const NUMBER = /^\s*(NaN|-?Infinity|-?\d+(\.\d+)?(e[+-]?\d+)?)\s*$/;

/** A percentage, up to rounding. */
const isAccuracy = (value: number) => Number.isNaN(value) || (value > -0.01 && value < 100.01);

/** Whether a row can be one of a training; losses and rates may be anything. */
const isPossible = ({ epoch, train, test, seconds, stepMs }: EpochRow): boolean =>
  Number.isSafeInteger(epoch) &&
  epoch >= 1 &&
  [train.top1, train.top5, test.top1, test.top5].every(isAccuracy) &&
  [seconds, stepMs].every((value) => Number.isNaN(value) || (value >= 0 && value < 1e12));

function parse(line: string): EpochRow | undefined {
  const cells = line.split(",");
  if (cells.length !== COLUMNS.length || !cells.every((cell) => NUMBER.test(cell)))
    return undefined;
  const row = rowOf(cells.map(Number));
  return isPossible(row) ? row : undefined;
}

function rowOf(values: readonly number[]): EpochRow {
  const at = (index: number) => values[index] ?? Number.NaN;
  return {
    epoch: at(0),
    learningRate: at(1),
    train: { loss: at(2), top1: at(3), top5: at(4) },
    test: { loss: at(5), top1: at(6), top5: at(7) },
    seconds: at(8),
    stepMs: at(9),
    imagesPerSecond: 0,
  };
}

/** A line takes about 150 bytes, so this is more than any training logs. */
const MAX_FILE_BYTES = 2 ** 24;

/** The file's complete lines after the header; a last line without its newline is still being written. */
function completeLines(path: string): string[] {
  const lines = readInputText(path, { maxBytes: MAX_FILE_BYTES }).split("\n").slice(0, -1);
  const header = lines.shift();
  if (header !== undefined && header.trim() !== HEADER) {
    throw inputError(`${path} is not a log of epochs: its first line is not "${HEADER}".`);
  }
  return lines;
}

/**
 * The rows of a run's epochs.csv, which may be being written.
 * @returns the rows in the file's order, none where there is no file
 * @throws inputError naming file and line where a complete line does not hold the ten numbers of an epoch after those
 *   of the line before
 */
export function readEpochLog(runDir: string): EpochRow[] {
  const path = join(runDir, EPOCH_LOG);
  if (!existsSync(path)) return [];
  let last = 0;
  return completeLines(path).map((line, index) => {
    const row = parse(line);
    const where = `${path}, line ${index + 2}`;
    if (!row) {
      const found = line.slice(0, 60);
      throw inputError(
        `${where}: expected ${COLUMNS.length} numbers of an epoch, found "${found}".`,
      );
    }
    if (row.epoch <= last) {
      throw inputError(`${where}: epoch ${row.epoch} stands after epoch ${last}.`);
    }
    last = row.epoch;
    return row;
  });
}

/**
 * The complete lines of a run's epochs.csv as they stand.
 * @returns undefined where there is no file
 * @throws inputError for what is no regular file of a bounded size
 */
export function epochLogText(runDir: string): string | undefined {
  const path = join(runDir, EPOCH_LOG);
  if (!existsSync(path)) return undefined;
  const text = readInputText(path, { maxBytes: MAX_FILE_BYTES });
  return text.slice(0, text.lastIndexOf("\n") + 1);
}

/** That text with one more row; with a header where it is empty. */
export const epochLogWith = (text: string | undefined, row: EpochRow): string =>
  `${text || `${HEADER}\n`}${format(row)}\n`;

/** Lines worth keeping when a run goes on after an epoch; unreadable ones (a crash of the machine) go. */
function keptLines(path: string, afterEpoch: number): string[] {
  if (afterEpoch === 0 || !existsSync(path)) return [];
  return completeLines(path).filter((line) => (parse(line)?.epoch ?? Infinity) <= afterEpoch);
}

/**
 * Opens a run's epochs.csv for appending. A run may have been killed between writing a row and the checkpoint
 * of that epoch, so rows of later epochs than the checkpoint's are dropped.
 * @param afterEpoch the last epoch that counts: the checkpoint's; 0 for a fresh run, which starts the file anew
 * @param runDir the run's folder, which exists
 * @throws runError or inputError naming the file where it cannot be written
 */
export async function openEpochLog(
  runDir: string,
  { afterEpoch }: { afterEpoch: number },
): Promise<EpochLog> {
  const path = join(runDir, EPOCH_LOG);
  await writeFileAtomic(path, `${[HEADER, ...keptLines(path, afterEpoch)].join("\n")}\n`);
  const file = openAppendOnly(path);
  return {
    append(row) {
      file.append(Buffer.from(`${format(row)}\n`));
      file.flush();
    },
    close: file.close,
  };
}
