import { setImmediate } from "node:timers/promises";
import { counted } from "../common/text.js";
import type { Call, Program } from "../compile/types.js";
import { isGpu } from "../runtime/device.js";
import { programsFolder } from "../runtime/programs/folder.js";

/** Whom a compilation tells what, and who may end it. */
export interface CompilationHooks {
  /** Told before it, with its reason, where it takes long. */
  readonly notice?: (text: string) => void;
  /** Told how far it is. */
  readonly phase?: (text: string) => void;
  /** Ends it between two programs. */
  readonly signal?: AbortSignal;
  /** Does work that blocks the process, such that a signal ends it at once. */
  readonly blocking?: (work: () => void) => void;
}

/** Why a compilation takes long, and what comes of it. */
function announcement(programs: number, device: string): string {
  const [reason, later] =
    programsFolder() !== undefined
      ? [
          "none are kept yet of these models and options for this device, driver and version",
          "they are kept for the next run",
        ]
      : ["compiled programs are not kept", "every run does it anew"];
  return `XLA compiles ${counted(programs, "program")} for ${device}: ${reason}. It takes up to a minute; ${later}. Ctrl-C ends it at once.`;
}

/**
 * Compiles before the first step whatever the calls of a run take, and announces it where it takes long: programs that
 * were kept are there at once. Where anything was compiled, variables have other values afterwards.
 * @param device the name of what is compiled for
 * @returns whether anything was compiled
 */
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

/** Most training steps that one call may take. */
export const STEPS_PER_CALL = 64;

const even = (steps: number, most: number): number => Math.max(1, Math.floor(steps / Math.ceil(steps / most)) || 1);

/**
 * Most steps that one call may take where their images need room.
 * @param steps the most without that
 * @param images that there is room for; any number where left out
 */
export const mostSteps = (steps: number, batchSize: number, images: number = Number.POSITIVE_INFINITY): number =>
  Math.max(1, Math.min(steps, Math.floor(images / batchSize)));

/**
 * Steps per call such that whole calls take as many of the steps as they can, and none is above a bound.
 * @param group a number of steps that calls take several times
 */
export const evenCalls = (steps: number, most: number, group = 1): number =>
  group * even(Math.floor(steps / group), Math.floor(most / group));

/**
 * Training steps of an epoch that are left when whole calls have taken theirs.
 * @param group a number of steps that calls take several times
 */
export const stepsLeft = (steps: number, group: number): number => steps % evenCalls(steps, STEPS_PER_CALL, group);

/**
 * How many steps a first call takes: all that one may take on a GPU, where that is a fraction of a second and has a
 * program of its own; one on a processor, where a step can take seconds.
 */
export const firstSteps = (stepsPerCall: number): number => (isGpu() ? stepsPerCall : 1);

/** The calls that so many steps of an entry are made of: whole ones, and where there are several, shorter ones. */
export const callsOf = (entry: string, steps: number, stepsPerCall: number): Call[] => [
  ...(steps >= stepsPerCall ? ([[entry, stepsPerCall]] as const) : []),
  ...(steps > stepsPerCall ? ([[entry, 1]] as const) : []),
];

/** Milliseconds that one call may block the process: signals and the progress bar wait that long. */
const CALL_MILLISECONDS = 150;

/** How many steps a call takes, given how long those of the last one took. At least 1. */
const stepsOfNextCall = (steps: number, milliseconds: number): number =>
  Math.max(1, Math.floor((CALL_MILLISECONDS * steps) / milliseconds));

/** How many steps the calls of some work take. */
export interface Pace {
  /** Most steps of the next call. */
  steps(): number;
  /** Tells how long a call took. */
  took(steps: number, milliseconds: number): void;
}

/**
 * A pace that follows the time of the last call. The first call's time says nothing: it may hold a compilation.
 * @param first steps of a call before anything is known of their time
 * @param group a number of steps that calls take several times
 */
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

/** Work in calls of a fraction of a second: yields how far it is after each of them, and returns the result. */
export type Calls<Result> = Generator<number, Result, void>;

/** Does all of the calls at once. */
export function allAtOnce<Result>(calls: Calls<Result>): Result {
  for (;;) {
    const { done, value } = calls.next();
    if (done) return value;
  }
}

/**
 * Lets the process breathe between the calls.
 * @param onProgress told how far the work is
 * @returns the result, or undefined when the signal ended it early
 */
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
