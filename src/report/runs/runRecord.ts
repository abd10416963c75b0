import type { Best, EpochRow } from "../log/contract.js";
import { mean } from "./statistics.js";

export type Entry = readonly [key: string, value: string];

/** A configuration as flat text: `versions.node` for nested keys, lists with commas; `path` is the prefix. */
export function flatten(value: unknown, path = ""): Entry[] {
  if (Array.isArray(value)) return [[path, value.join(",")]];
  if (typeof value !== "object" || value === null) return [[path, String(value)]];
  return Object.entries(value).flatMap(([key, inner]) => flatten(inner, path === "" ? key : `${path}.${key}`));
}

/** A run's config.json as flat text, each option once: its identity repeats them. */
export const recordEntries = ({ config }: RunRecord): Entry[] =>
  flatten(config).filter(([key]) => !key.startsWith("identity.options.") && key !== "checksum");

/** Whether a run goes on, ended in an error, went silent before its last epoch, or is over. */
export type RunState = "running" | "failed" | "stopped" | "finished";

const SECOND = 1000;
/** Compiling and the first epoch may take long, and nothing is logged meanwhile. */
const FIRST_EPOCH = 600 * SECOND;
const SHORTEST_WAIT = 60 * SECOND;

const recentSeconds = ({ rows }: RunRecord) => rows.slice(-10).map(({ seconds }) => seconds);

/** Milliseconds since the last heartbeat; a clock that was set back makes it 0. */
const silence = (run: RunRecord, now: number) => Math.max(0, now - run.updatedAt);

/** A run's state from its files only: stopped after three silent epochs. `now` in milliseconds since 1970. */
export function stateOf(run: RunRecord, now: number): RunState {
  if (run.finished) return "finished";
  if (run.failure !== undefined) return "failed";
  const epoch = Math.max(0, ...recentSeconds(run)) * SECOND;
  const timeout = run.rows.length === 0 ? FIRST_EPOCH : Math.max(SHORTEST_WAIT, 3 * epoch);
  return silence(run, now) <= timeout ? "running" : "stopped";
}

/** Seconds until a run is done, at the pace of its last ten epochs; undefined before the first, or if not running. */
export function secondsToGo(run: RunRecord, now: number): number | undefined {
  if (stateOf(run, now) !== "running" || run.rows.length === 0) return undefined;
  const left = run.epochs - (run.rows.at(-1)?.epoch ?? 0);
  return Math.max(0, left * mean(recentSeconds(run)) - silence(run, now) / SECOND);
}

export interface RunRecord {
  readonly dir: string;
  readonly kind: "distill" | "teacher";
  readonly model: string;
  /** Undefined for a teacher's own training. */
  readonly teacher: string | undefined;
  /** Method or variant; undefined for a teacher's own training. */
  readonly method: string | undefined;
  readonly trial: number;
  readonly epochs: number;
  readonly rows: readonly EpochRow[];
  readonly finished: boolean;
  readonly config: Readonly<Record<string, unknown>>;
  /** Undefined where there is no result.json. */
  readonly result: Readonly<Record<string, unknown>> | undefined;
  /** Why its last start failed. */
  readonly failure: string | undefined;
  /** When something was last logged, milliseconds since 1970. */
  readonly updatedAt: number;
}

/** The best test accuracy of a run and its first epoch; undefined before the first epoch is done. */
export function bestOf(run: RunRecord): Best | undefined {
  return run.rows.reduce<Best | undefined>(
    (best, { epoch, test }) => (best === undefined || test.top1 > best.top1 ? { top1: test.top1, epoch } : best),
    undefined,
  );
}

/** Seconds that the epochs done so far took together, whether in one go or resumed. */
export const secondsOf = (run: RunRecord): number => run.rows.reduce((sum, row) => sum + row.seconds, 0);
