import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import { cleanLine } from "../common/text.js";
import { formatDuration, secondsLeft } from "../report/duration.js";
import { nameOf } from "../runtime/gpu/choose.js";
import { judgeGpu } from "../runtime/gpu/requirements.js";
import { surveyGpus } from "../runtime/gpu/survey.js";
import { workingProcess } from "../train/claim/lock.js";
import type { SweepRun } from "./plan.js";
import { epochsDone, isComplete } from "./state.js";

/** The GPUs to spread runs over, as CUDA_VISIBLE_DEVICES names them: visible and usable; none for PEFD_RUNTIME=cpu. */
export function gpuNames(env: Readonly<Record<string, string | undefined>>): string[] {
  if (env.PEFD_RUNTIME === "cpu") return [];
  const { gpus, cuda } = surveyGpus(env);
  return gpus.flatMap((gpu, place) => (judgeGpu(gpu, cuda).fits ? [nameOf(env, place)] : []));
}

/** A notice of idle usable GPUs, if any; `runs` is the number that name no GPU, `jobs` how many run at a time. */
export function idleGpusNotice(runs: number, jobs: number, gpus: number): string | undefined {
  const useful = Math.min(runs, gpus);
  if (useful <= jobs) return undefined;
  return `${jobs} of ${gpus} GPUs ${jobs === 1 ? "is" : "are"} used: --jobs ${useful} uses all.`;
}

const ERROR = /^(?:\S+: )?error: /;
const STOPPED = /^Stopped by /;

/** Why a run ended, from what it said: the last error, else the signal that stopped it, else its last line. */
export function lastError(text: string): string {
  const lines = text.split("\n").map((line) => cleanLine(line.trim()));
  const said = lines.filter((line) => line !== "");
  const telling = [ERROR, STOPPED, /./].map((kind) => said.findLast((line) => kind.test(line)));
  return telling.find((line) => line !== undefined) ?? "no reason given";
}

interface SweepPace {
  /** A failed run's epochs do not count any more. */
  ended(outcome: Outcome): void;
  /** "; all done in about 3 min" at the pace so far; empty while nothing can be said, or nothing is left. */
  eta(): string;
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The sweep's time left; `now` in monotonic seconds. */
export function createSweepPace(runs: readonly SweepRun[], now: () => number): SweepPace {
  const startedAt = now();
  const total = sum(runs.map(({ options }) => options.epochs));
  const before = sum(runs.map(epochsDone));
  const failed = new Set<SweepRun>();
  return {
    ended({ run, state }) {
      if (state === "failed") failed.add(run);
    },
    eta() {
      const lost = sum([...failed].map((run) => run.options.epochs - epochsDone(run)));
      const done = sum(runs.map(epochsDone)) - before;
      const left = secondsLeft(now() - startedAt, done, total - before - lost);
      return left === undefined || left === 0 ? "" : `; all done in about ${formatDuration(left)}`;
    },
  };
}

export interface Program {
  /** Node.js and its script. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Processes that are running; who ends this one at once can end them as well. */
  readonly living: Set<ChildProcess>;
}

interface ChildEnd {
  /** Undefined when a signal ended it, or it could not be started. */
  readonly code: number | undefined;
  readonly reason: string;
}

const KEPT_CHARACTERS = 4000;

const WARNING = /^warning: /;

const signalOf = (signal: AbortSignal): NodeJS.Signals =>
  (signal.reason as { signalName?: NodeJS.Signals } | undefined)?.signalName ?? "SIGTERM";

/** Runs one run in its own process group, so that Ctrl-C reaches it once: a second would end it without saving. */
function runChild(
  { command: [file, ...before], env, living }: Program,
  words: readonly string[],
  extraEnv: Readonly<Record<string, string>>,
  signal: AbortSignal,
  onWarning: (line: string) => void,
): Promise<ChildEnd> {
  const child = spawn(file, [...before, ...words], {
    detached: true,
    env: { ...env, ...extraEnv },
    stdio: ["ignore", "ignore", "pipe"],
  });
  living.add(child);
  let text = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    text = (text + part).slice(-KEPT_CHARACTERS);
  });
  createInterface({ input: child.stderr }).on("line", (line) => {
    const said = cleanLine(line);
    if (WARNING.test(said) && !signal.aborted) onWarning(said);
  });
  const stop = () => child.kill(signalOf(signal));
  signal.addEventListener("abort", stop, { once: true });
  return new Promise((resolve) => {
    const end = (ended: ChildEnd) => {
      living.delete(child);
      signal.removeEventListener("abort", stop);
      resolve(ended);
    };
    child.on("error", (error) => end({ code: undefined, reason: error.message }));
    child.on("close", (code, name) =>
      end({ code: code ?? undefined, reason: name ? `killed by ${name}` : lastError(text) }),
    );
  });
}

/** How a run of a sweep ended; "skipped" was complete before. */
export interface Outcome {
  readonly run: SweepRun;
  readonly state: "skipped" | "done" | "failed";
  readonly reason?: string;
}

export interface SweepObserver {
  started(run: SweepRun): void;
  notice(run: SweepRun, text: string): void;
  ended(outcome: Outcome): void;
}

export interface Execution {
  readonly program: Program;
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
    if (!told) observer.notice(run, `already running in process ${process}; waiting for it`);
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

interface Work extends Execution {
  readonly queue: SweepRun[];
  readonly outcomes: Map<SweepRun, Outcome>;
  /** Warnings of runs, deduplicated: most are the machine's. */
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
    observer.notice(run, `crashed (${reason}), retrying once`);
    retried = true;
  }
}

async function work(slot: number, execution: Work): Promise<void> {
  const { queue, outcomes, observer } = execution;
  for (let run = queue.shift(); run !== undefined; run = queue.shift()) {
    const outcome = await carryOut(run, slot, execution);
    outcomes.set(run, outcome);
    observer.ended(outcome);
  }
}

/** Runs a sweep in order, `jobs` at a time. @throws the signal's reason, once the running ones have ended */
export async function executeSweep(runs: readonly SweepRun[], execution: Execution): Promise<Outcome[]> {
  const outcomes = new Map<SweepRun, Outcome>();
  const shared: Work = { ...execution, queue: [...runs], outcomes, warnings: new Set() };
  const slots = Array.from({ length: Math.min(execution.jobs, runs.length) }, (_, slot) => slot);
  const ends = await Promise.allSettled(slots.map((slot) => work(slot, shared)));
  const failure = ends.find((end) => end.status === "rejected");
  if (failure !== undefined) throw failure.reason;
  return runs.map((run) => outcomes.get(run) as Outcome);
}
