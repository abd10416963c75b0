import { integerField, joinFields, messageField, stringField } from "../../../common/protobuf.js";
import type { TrackedRun } from "../place.js";

// Field numbers of wandb's wandb_internal.proto.
const RECORD = { number: 1, history: 2, summary: 3, run: 17, exit: 18, header: 21 };
const HEADER = { versionInfo: 1 };
const VERSION_INFO = { producer: 1 };
const RUN = { id: 1, project: 3, config: 4, displayName: 8, startTime: 17 };
const TIMESTAMP = { seconds: 1, nanoseconds: 2 };
const UPDATE = 1;
const ITEM = { key: 1, valueJson: 16 };
const HISTORY = { item: 1, step: 2 };
const STEP_NUMBER = 1;
const EXIT = { code: 1, runtime: 2 };

/** A record of a run's log, not yet numbered. */
export interface LogRecord {
  readonly kind: keyof Omit<typeof RECORD, "number">;
  /** Of history: the step. */
  readonly step?: number | undefined;
  readonly content: Uint8Array;
}

/** JSON with Python's words for the numbers that JSON has not. */
const json = (value: unknown): string =>
  typeof value === "number" && !Number.isFinite(value) ? String(value) : JSON.stringify(value);

const items = (field: number, values: Readonly<Record<string, unknown>>): Uint8Array[] =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) =>
      messageField(field, [stringField(ITEM.key, key), stringField(ITEM.valueJson, json(value))]),
    );

/** Who has written the log. */
export const header = (): LogRecord => ({
  kind: "header",
  content: messageField(HEADER.versionInfo, [stringField(VERSION_INFO.producer, "pefd")]),
});

/** Letters that W&B takes in a project's name, and how many. */
const projectName = (name: string): string => name.replace(/[^\w. -]/g, "_").slice(0, 128);

/** What a run is. @param start milliseconds since 1970 */
export const run = (id: string, { experiment, name, settings }: TrackedRun, start: number) => ({
  kind: "run" as const,
  content: joinFields([
    stringField(RUN.id, id),
    stringField(RUN.project, projectName(experiment)),
    messageField(RUN.config, items(UPDATE, settings)),
    stringField(RUN.displayName, name),
    messageField(RUN.startTime, [
      integerField(TIMESTAMP.seconds, Math.floor(start / 1000)),
      integerField(TIMESTAMP.nanoseconds, (start % 1000) * 1e6),
    ]),
  ]),
});

/** Values at a step. */
export const history = (step: number, values: Readonly<Record<string, number>>): LogRecord => ({
  kind: "history",
  step,
  content: joinFields([
    ...items(HISTORY.item, values),
    messageField(HISTORY.step, [integerField(STEP_NUMBER, step)]),
  ]),
});

/** The latest values. */
export const summary = (values: Readonly<Record<string, number>>): LogRecord => ({
  kind: "summary",
  content: joinFields(items(UPDATE, values)),
});

/** How a run ended. @param runtime in seconds */
export const exit = (code: number, runtime: number): LogRecord => ({
  kind: "exit",
  content: joinFields([integerField(EXIT.code, code), integerField(EXIT.runtime, runtime)]),
});

/** Records with their numbers, as a log holds them. */
export const encoded = (records: readonly LogRecord[]): Uint8Array[] =>
  records.map(({ kind, content }, index) =>
    joinFields([integerField(RECORD.number, index + 1), messageField(RECORD[kind], [content])]),
  );

/** A number of base 128, and where it ends. */
function varintAt(bytes: Uint8Array, start: number): [value: number, end: number] {
  let value = 0;
  for (let at = start, scale = 1; ; at++, scale *= 128) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return [value, at + 1];
  }
}

/** The messages and integers in a message of those two, by their fields' numbers; the last of each. */
function fieldsOf(message: Uint8Array): Map<number, Uint8Array | number> {
  const fields = new Map<number, Uint8Array | number>();
  for (let at = 0; at < message.length; ) {
    const [tag, begin] = varintAt(message, at);
    const [value, end] = varintAt(message, begin);
    const isInteger = tag % 8 === 0;
    at = isInteger ? end : end + value;
    fields.set(Math.floor(tag / 8), isInteger ? value : message.subarray(end, at));
  }
  return fields;
}

const inside = (message: Uint8Array, field: number) => {
  const found = fieldsOf(message).get(field);
  return found instanceof Uint8Array ? found : undefined;
};

/** The records that pefd writes, of those of a log. */
export function decoded(records: readonly Uint8Array[]): LogRecord[] {
  const { number: _, ...kinds } = RECORD;
  return records.flatMap((record) =>
    Object.entries(kinds).flatMap(([kind, field]) => {
      const content = inside(record, field);
      if (content === undefined) return [];
      const step = kind === "history" ? inside(content, HISTORY.step) : undefined;
      const number = step && fieldsOf(step).get(STEP_NUMBER);
      return [{ kind: kind as LogRecord["kind"], content, step: Number(number ?? 0) }];
    }),
  );
}
