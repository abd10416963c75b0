import { mkdirSync, readdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { doubleField, floatField, integerField, joinFields, messageField, stringField } from "../../common/protobuf.js";
import type { EpochRow, StepProgress } from "./contract.js";
import { guardWrites, newestMean, openAppendOnly } from "./epochLog.js";

const POLYNOMIAL = 0x82f63b78;

function tableEntry(index: number): number {
  let crc = index;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
  return crc >>> 0;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, index) => tableEntry(index));

/** CRC-32C (Castagnoli, RFC 3720 appendix B.4) of some bytes, as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = (TABLE[(crc ^ byte) & 0xff] ?? 0) ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

/** The checksum as TFRecord files store it: rotated and offset, so that a CRC over data with CRCs stays good. */
function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

interface EventLog {
  scalar(tag: string, value: number, step: number): void;
  /** Returns once everything is on the disk. */
  flush(): void;
  close(): void;
}

interface EventLogOptions {
  /** The last step to keep on resume. TensorBoard drops later steps of the whole folder, hence two folders. */
  readonly afterStep?: number | undefined;
  /** Milliseconds since 1970; Date.now by default. */
  readonly clock?: () => number;
}

// Field numbers of tensorflow/core/util/event.proto and framework/summary.proto.
const EVENT = { wallTime: 1, step: 2, fileVersion: 3, summary: 5, sessionLog: 7 };
const SUMMARY_VALUE = 1;
const VALUE = { tag: 1, simpleValue: 2 };
const SESSION_LOG_STATUS = 1;
const SESSION_START = 1;

/** One record of a TFRecord file: length, its checksum, the data, its checksum. */
function tfRecord(data: Uint8Array): Buffer {
  const record = Buffer.alloc(12 + data.length + 4);
  record.writeBigUInt64LE(BigInt(data.length), 0);
  record.writeUInt32LE(maskedCrc32c(record.subarray(0, 8)), 8);
  record.set(data, 12);
  record.writeUInt32LE(maskedCrc32c(data), 12 + data.length);
  return record;
}

function scalarFields(tag: string, value: number): Uint8Array {
  const entry = [stringField(VALUE.tag, tag), floatField(VALUE.simpleValue, value)];
  return messageField(EVENT.summary, [messageField(SUMMARY_VALUE, entry)]);
}

/** A name after those of all event files that are there, whatever their clocks: TensorBoard reads a folder by name. */
function nextFile(folder: string, seconds: number): string {
  const existing = guardWrites(folder, () => {
    mkdirSync(folder, { recursive: true });
    return readdirSync(folder);
  });
  const times = existing.map((name) => {
    const match = /^events\.out\.tfevents\.(\d{10})\./.exec(name);
    return match ? Number(match[1]) + 1 : 0;
  });
  const time = String(Math.max(seconds, ...times)).padStart(10, "0");
  return join(folder, `events.out.tfevents.${time}.${hostname()}.${process.pid}.pefd`);
}

/** Begins a TensorBoard event file in a folder, made when missing; all functions throw a runError naming the file. */
export function openEventLog(folder: string, options: EventLogOptions = {}): EventLog {
  const clock = options.clock ?? Date.now;
  const file = openAppendOnly(nextFile(folder, Math.floor(clock() / 1000)));
  const write = (step: number, content: Uint8Array) => {
    const fields = [doubleField(EVENT.wallTime, clock() / 1000), integerField(EVENT.step, step)];
    file.append(tfRecord(joinFields([...fields, content])));
  };

  write(0, stringField(EVENT.fileVersion, "brain.Event:2"));
  if (options.afterStep !== undefined) {
    const start = integerField(SESSION_LOG_STATUS, SESSION_START);
    write(options.afterStep + 1, messageField(EVENT.sessionLog, [start]));
  }
  return {
    scalar: (tag, value, step) => write(step, scalarFields(tag, value)),
    flush: file.flush,
    close() {
      file.flush();
      file.close();
    },
  };
}

/** The five curves of the paper's train_student.py, by epoch. */
const EPOCH_SCALARS: Readonly<Record<string, (row: EpochRow) => number>> = {
  train_acc: (row) => row.train.top1,
  train_loss: (row) => row.train.loss,
  test_acc: (row) => row.test.top1,
  test_loss: (row) => row.test.loss,
  test_acc_top5: (row) => row.test.top5,
};

const STEP_EVENTS = "steps";

export interface RunEvents {
  /** Logs EPOCH_SCALARS at the row's epoch, and each loss term as `train_TERM`. */
  epochDone(row: EpochRow): void;
  /** Logs train_loss and train_acc by training step where one is due. */
  stepDone(progress: StepProgress): void;
  close(): void;
}

export interface RunEventsOptions {
  /** The checkpoint's epoch; 0 for a fresh run. */
  readonly afterEpoch: number;
  /** Training steps per epoch. */
  readonly steps: number;
  /** Log by training step every so many steps; never when not given. */
  readonly tbFreq?: number | undefined;
  /** Milliseconds since 1970; Date.now by default. */
  readonly clock?: () => number;
}

/** Opens a run's TensorBoard logs: by epoch, and by training step in `steps/` (see afterStep); throws runError. */
export function openRunEvents(runDir: string, options: RunEventsOptions): RunEvents {
  const { afterEpoch, steps, tbFreq, clock } = options;
  const open = (folder: string, afterStep: number): EventLog =>
    openEventLog(folder, { ...(afterStep > 0 ? { afterStep } : {}), ...(clock ? { clock } : {}) });
  const epochs = open(runDir, afterEpoch);
  let byStep: EventLog | undefined;
  let last: StepProgress | undefined;

  const logStep = (progress: StepProgress, since: StepProgress | undefined) => {
    byStep ??= open(join(runDir, STEP_EVENTS), afterEpoch * steps);
    const step = (progress.epoch - 1) * steps + progress.step;
    byStep.scalar("train_loss", newestMean(since, progress, "loss"), step);
    byStep.scalar("train_acc", newestMean(since, progress, "top1"), step);
  };
  return {
    epochDone(row) {
      for (const [tag, value] of Object.entries(EPOCH_SCALARS)) epochs.scalar(tag, value(row), row.epoch);
      for (const [term, value] of Object.entries(row.train.terms ?? {})) {
        epochs.scalar(`train_${term}`, value, row.epoch);
      }
      epochs.flush();
    },
    stepDone(progress) {
      if (tbFreq === undefined) return;
      const since = last?.epoch === progress.epoch ? last : undefined;
      if (Math.floor(progress.step / tbFreq) <= Math.floor((since?.step ?? 0) / tbFreq)) return;
      logStep(progress, since);
      last = progress;
    },
    close() {
      epochs.close();
      byStep?.close();
    },
  };
}
