import { setImmediate } from "node:timers/promises";
import { counted } from "../common/text.js";
import type { Call, Program } from "../compile/types.js";
import { isGpu } from "../runtime/device.js";
import { programsFolder } from "../runtime/programs/folder.js";

export interface CompilationHooks {
  /** Called before a long compilation. */
  readonly notice?: (text: string) => void;
  readonly phase?: (text: string) => void;
  /** Ends it between two programs. */
  readonly signal?: AbortSignal;
  /** Runs blocking work that a signal ends at once. */
  readonly blocking?: (work: () => void) => void;
}

function announcement(programs: number, device: string): string {
  const [reason, later] =
    programsFolder() !== undefined
      ? [
          "none are cached yet for these models and options, this device, driver and version",
          "they are cached for the next run",
        ]
      : ["compiled programs are not cached", "every run compiles anew"];
  return `XLA compiles ${counted(programs, "program")} for ${device}: ${reason}. It takes up to a minute; ${later}. Ctrl-C ends it at once.`;
}

/** Compiles a run's programs, with a notice if not cached; changes variables. @returns whether anything was compiled */
export async function compileCalls(
  program: Program,
  calls: readonly Call[],
  device: string,
  { notice, phase, signal, blocking = (work) => work() }: CompilationHooks,
): Promise<boolean> {
  const compilations = program.compilations(calls);
  const missing = compilations.length - program.kept;
  if (missing > 0) notice?.(announcement(missing, device));
  for (const [i, compilation] of compilations.entries()) {
    phase?.(`compiling with XLA: ${i + 1} of ${compilations.length}`);
    await setImmediate(); // a signal is heard, and the phase shown
    if (signal?.aborted) break;
    blocking(compilation);
  }
  return compilations.length > 0;
}

export const STEPS_PER_CALL = 64;

const even = (steps: number, most: number): number => Math.max(1, Math.floor(steps / Math.ceil(steps / most)) || 1);

/** Most steps per call. @param images limit of images per call, if any */
export const mostSteps = (steps: number, batchSize: number, images: number = Number.POSITIVE_INFINITY): number =>
  Math.max(1, Math.min(steps, Math.floor(images / batchSize)));

/** Steps per call up to a bound that leave few steps over. @param group of which calls are a multiple */
export const evenCalls = (steps: number, most: number, group = 1): number =>
  group * even(Math.floor(steps / group), Math.floor(most / group));

/** An epoch's steps after full calls. @param group of which calls are a multiple */
export const stepsLeft = (steps: number, group: number): number => steps % evenCalls(steps, STEPS_PER_CALL, group);

/** A full call on a GPU, where it is fast and has its own program; one step on a CPU, where it can take seconds. */
export const firstSteps = (stepsPerCall: number): number => (isGpu() ? stepsPerCall : 1);

/** Call sizes for some steps of an entry: full, and single steps. */
export const callsOf = (entry: string, steps: number, stepsPerCall: number): Call[] => [
  ...(steps >= stepsPerCall ? ([[entry, stepsPerCall]] as const) : []),
  ...(steps > stepsPerCall ? ([[entry, 1]] as const) : []),
];

/** Signals and the progress bar wait this long for a call. */
const CALL_MILLISECONDS = 150;

const stepsOfNextCall = (steps: number, milliseconds: number): number =>
  Math.max(1, Math.floor((CALL_MILLISECONDS * steps) / milliseconds));

export type Pace = { steps(): number; took(steps: number, milliseconds: number): void };

/** Follows the last call's time, except the first's, which may compile. @param group of which calls are a multiple */
export function createPace(first: number, group = 1): Pace {
  const whole = (steps: number): number => Math.max(group, steps - (steps % group));
  let steps = whole(first);
  let calls = 0;
  return {
    steps: () => steps,
    took(taken, milliseconds) {
      calls += 1;
      if (calls > 1) steps = whole(stepsOfNextCall(taken, milliseconds));
    },
  };
}

/** Work in calls of a fraction of a second: yields progress, returns the result. */
export type Calls<Result> = Generator<number, Result, void>;

/** Runs all calls at once. */
export function allAtOnce<Result>(calls: Calls<Result>): Result {
  for (;;) {
    const { done, value } = calls.next();
    if (done) return value;
  }
}

/** Yields to the event loop between calls. @returns undefined when the signal ended it */
export async function oneByOne<Result>(
  calls: Calls<Result>,
  onProgress: (progress: number) => void,
  signal?: AbortSignal,
): Promise<Result | undefined> {
  for (;;) {
    const { done, value } = calls.next();
    if (done) return value;
    onProgress(value);
    await setImmediate();
    if (signal?.aborted) {
      calls.return(undefined as Result);
      return undefined;
    }
  }
}
