import { mkdirSync, readdirSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import {
  doubleField,
  floatField,
  integerField,
  joinFields,
  messageField,
  stringField,
} from "../../common/protobuf.js";
import { guardWrites, openAppendOnly } from "./appendOnly.js";
import { maskedCrc32c } from "./crc32c.js";

/** A TensorBoard event file that is being written; it can be read meanwhile. */
export interface EventLog {
  /** Adds one value of the curve `tag` at `step`. */
  scalar(tag: string, value: number, step: number): void;
  /** Returns once everything is on the disk. */
  flush(): void;
  close(): void;
}

/** How an event log is opened. */
export interface EventLogOptions {
  /**
   * The last step that counts when a run goes on from a checkpoint. A new file is begun, which makes TensorBoard
   * discard everything of later steps in this folder, of every tag: so keep curves whose steps mean different
   * things (epochs, training steps) in different folders.
   */
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

/**
 * A file that TensorBoard reads after all event files that are there, in whatever order the clock and the process
 * ids of earlier runs were: it goes through a folder by name.
 */
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

/**
 * Begins a TensorBoard event file in a folder, which is made when missing.
 * @throws runError naming the file where it cannot be written (also from scalar, flush and close)
 */
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
