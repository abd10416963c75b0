import { randomInt } from "node:crypto";
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { runError } from "../../../common/errors.js";
import { removeStaleTemporaryFiles, writeFileAtomic } from "../../../common/files/atomicFile.js";
import { readInputFile } from "../../../common/files/inputFile.js";
import { makeFolder } from "../../../common/files/makeFolder.js";
import { cleanLine } from "../../../common/text/cleanText.js";
import { grouped } from "../../../common/text/grouped.js";
import type { Metric, RunStatus, TrackingPlace } from "../place.js";
import {
  decoded,
  encoded,
  exit,
  header,
  history,
  type LogRecord,
  run as runRecord,
  summary,
} from "./records.js";
import { logOf, recordsOf } from "./transactionLog.js";

/** What a process of W&B exits with; an interrupted one with 255. */
const EXIT_CODE = { FINISHED: 0, FAILED: 1, KILLED: 255 };

/** About a kilobyte an epoch. */
const MAX_BYTES = 2 ** 28;

const ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789";

const randomId = (): string =>
  Array.from({ length: 8 }, () => ALPHABET[randomInt(ALPHABET.length)]).join("");

const two = (value: number): string => String(value).padStart(2, "0");

/** A time as W&B names folders after it, in the zone of this machine: 20261127_093000. */
function stampOf(time: Date): string {
  const day = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(two).join("");
  return `${day}_${[time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join("")}`;
}

/** The time of such a name, in milliseconds since 1970. */
function timeOf(stamp: string): number {
  const [, year = 0, month = 1, ...rest] =
    /(\d{4})(\d\d)(\d\d)_(\d\d)(\d\d)(\d\d)/.exec(stamp)?.map(Number) ?? [];
  const [day, hours, minutes, seconds] = rest;
  return new Date(year, month - 1, day, hours, minutes, seconds).getTime();
}

/** The values of a step under their names, with those that W&B itself adds. */
function valuesOf(step: number, metrics: readonly Metric[], start: number): Record<string, number> {
  const time = metrics[0]?.timestamp ?? start;
  return {
    ...Object.fromEntries(metrics.map(({ key, value }) => [key, value])),
    _step: step,
    _timestamp: time / 1000,
    _runtime: (time - start) / 1000,
  };
}

/** A log with the values of more steps. Steps that a killed run has written already are replaced, not doubled. */
function withMetrics(
  records: readonly LogRecord[],
  metrics: readonly Metric[],
  start: number,
): LogRecord[] {
  const steps = [...grouped(metrics, ({ step }) => step)].map(
    ([step, own]) => [step, valuesOf(step, own, start)] as const,
  );
  const first = Math.min(...steps.map(([step]) => step));
  const kept = records.filter(
    ({ kind, step = 0 }) =>
      ["header", "run"].includes(kind) || (kind === "history" && step < first),
  );
  const added = steps.map(([step, values]) => history(step, values));
  return [...kept, ...added, summary(steps.at(-1)?.[1] ?? {})];
}

function withStatus(
  records: readonly LogRecord[],
  status: RunStatus,
  seconds: number,
): LogRecord[] {
  const open = records.filter(({ kind }) => kind !== "exit");
  return status === "RUNNING" ? open : [...open, exit(EXIT_CODE[status], Math.round(seconds))];
}

/**
 * Runs of W&B that `wandb sync` sends to its server later, in a folder which is made where it is missing:
 * `wandb/offline-run-TIME-ID/run-ID.wandb`. The file is replaced as a whole each time.
 */
export function wandbFiles(dir: string): TrackingPlace {
  const base = resolve(dir);
  const folderOf = (runId: string): string => join(base, "wandb", `offline-run-${runId}`);
  const fileOf = (runId: string): string =>
    join(folderOf(runId), `run-${runId.split("-").at(-1)}.wandb`);
  const write = (runId: string, records: readonly LogRecord[]) =>
    writeFileAtomic(fileOf(runId), logOf(encoded(records)));
  const read = (runId: string): LogRecord[] => {
    const path = fileOf(runId);
    if (!existsSync(path)) throw runError(`there is no ${path} any more.`);
    const records = recordsOf(readInputFile(path, { maxBytes: MAX_BYTES }));
    if (records !== undefined) return decoded(records);
    throw runError(`${path} is damaged, or no log of W&B.`);
  };
  return {
    address: `wandb-offline:${base}`,
    stateFile: "wandb.json",
    async createRun(run) {
      const id = randomId();
      const stamp = stampOf(new Date());
      const runId = `${stamp}-${id}`;
      makeFolder(folderOf(runId));
      const named = { ...run, name: cleanLine(run.name) };
      await write(runId, [header(), runRecord(id, named, timeOf(stamp))]);
      return runId;
    },
    async logMetrics(runId, metrics) {
      await write(runId, withMetrics(read(runId), metrics, timeOf(runId)));
    },
    async setStatus(runId, status, time) {
      await removeStaleTemporaryFiles(folderOf(runId));
      await write(runId, withStatus(read(runId), status, (time - timeOf(runId)) / 1000));
    },
  };
}
