import { setTimeout as sleep } from "node:timers/promises";
import { workingProcess } from "../train/claim/lock.js";
import { type ChildEnd, type Program, runChild } from "./child.js";
import type { SweepRun } from "./plan.js";
import { isComplete } from "./state.js";

/** How a run of a sweep ended; "skipped" was complete before. */
export interface Outcome {
  readonly run: SweepRun;
  readonly state: "skipped" | "done" | "failed";
  /** Why it failed. */
  readonly reason?: string;
}

/** Is told how the runs go. */
export interface SweepObserver {
  started(run: SweepRun): void;
  /** A line worth knowing about a run. */
  notice(run: SweepRun, text: string): void;
  ended(outcome: Outcome): void;
}

/** How a sweep is carried out. */
export interface Execution {
  readonly program: Program;
  /** Runs at a time. */
  readonly jobs: number;
  /** Devices by the names that CUDA_VISIBLE_DEVICES takes; the jobs are spread over them when there are several. */
  readonly gpus: readonly string[];
  /** Stops the sweep: running runs receive the signal and keep what is done. */
  readonly signal: AbortSignal;
  readonly observer: SweepObserver;
}

const LOOK_AGAIN_MS = 500;
const USAGE_ERROR = 2;

/** A run whose sweep was killed may still go on by itself; its end is waited for. */
async function untilFree(run: SweepRun, { signal, observer }: Execution): Promise<void> {
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    const process = workingProcess(run.runDir);
    if (process === undefined) return;
    if (!told) observer.notice(run, `process ${process} is at it already, waiting for it`);
    told = true;
    await sleep(LOOK_AGAIN_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Jobs are spread over the GPUs, but for runs that say which one of the visible they take. */
function deviceOf({ options }: SweepRun, slot: number, gpus: readonly string[]) {
  const isFree = options.gpu === undefined && gpus.length > 1;
  return isFree ? { CUDA_VISIBLE_DEVICES: gpus[slot % gpus.length] as string } : {};
}

/** Whether another process claimed the folder before this one did: that is no failure. */
const wasTaken = ({ code }: ChildEnd, run: SweepRun): boolean =>
  code === USAGE_ERROR && (workingProcess(run.runDir) !== undefined || isComplete(run));

/** A sweep at work. */
interface Work extends Execution {
  readonly queue: SweepRun[];
  readonly outcomes: Map<SweepRun, Outcome>;
  /** What runs have warned of: most of it is the machine's, and the same for all. */
  readonly warnings: Set<string>;
}

/** One run: skipped when complete, gone on with when not, tried once more when it crashed. */
async function carryOut(run: SweepRun, slot: number, execution: Work): Promise<Outcome> {
  const { program, gpus, signal, observer, warnings } = execution;
  const warn = (line: string) => {
    if (!warnings.has(line)) observer.notice(run, line);
    warnings.add(line);
  };
  if (isComplete(run)) return { run, state: "skipped" };
  observer.started(run);
  for (let retried = false; ; ) {
    await untilFree(run, execution);
    if (isComplete(run)) return { run, state: "done" };
    const env = { ...run.env, ...deviceOf(run, slot, gpus) };
    const end = await runChild(program, run.words, env, signal, warn);
    if (end.code === 0) return { run, state: "done" };
    signal.throwIfAborted();
    if (wasTaken(end, run)) continue;
    const { reason } = end;
    if (end.code === USAGE_ERROR || retried) return { run, state: "failed", reason };
    observer.notice(run, `crashed (${reason}), trying once more`);
    retried = true;
  }
}

/** Takes runs off the queue until none is left. */
async function work(slot: number, execution: Work): Promise<void> {
  const { queue, outcomes, observer } = execution;
  for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
    const outcome = await carryOut(run, slot, execution);
    outcomes.set(run, outcome);
    observer.ended(outcome);
  }
}

/**
 * Carries out the runs of a sweep, `jobs` at a time, in their order.
 * @returns one outcome for each run, in the order of `runs`
 * @throws the signal's reason when it was aborted, once the running ones have ended
 */
export async function executeSweep(
  runs: readonly SweepRun[],
  execution: Execution,
): Promise<Outcome[]> {
  const outcomes = new Map<SweepRun, Outcome>();
  const shared: Work = { ...execution, queue: [...runs], outcomes, warnings: new Set() };
  const slots = Array.from({ length: Math.min(execution.jobs, runs.length) }, (_, slot) => slot);
  const ends = await Promise.allSettled(slots.map((slot) => work(slot, shared)));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return runs.map((run) => outcomes.get(run) as Outcome);
}
