import { setImmediate } from "node:timers/promises";
import { counted } from "../common/text.js";
import type { Call, Program } from "../compile/types.js";
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

/** Most steps and images per call: a few tenths of a second on a GPU. */
const MOST_STEPS = 80;
const MOST_IMAGES = MOST_STEPS * 64;

/** Most steps per call of training. @param images limit of images per call, if any */
export const mostTrainingSteps = (batchSize: number, images: number = Number.POSITIVE_INFINITY): number =>
  mostSteps(MOST_STEPS, batchSize, Math.min(images, MOST_IMAGES));

/** Most steps per call. @param images limit of images per call, if any */
export const mostSteps = (steps: number, batchSize: number, images: number = Number.POSITIVE_INFINITY): number =>
  Math.max(1, Math.min(steps, Math.floor(images / batchSize)));

/** Lengths of the parts of an epoch between the steps (from 1) after which something is due. */
export function epochParts(steps: number, isDue: (step: number) => boolean = () => false): number[] {
  const ends = Array.from({ length: steps }, (_, i) => i + 1).filter((step) => step === steps || isDue(step));
  return ends.map((end, i) => end - (ends[i - 1] ?? 0));
}

/** Steps of parts that fill no call. */
export const singleSteps = (parts: readonly number[], stepsPerCall: number): number =>
  parts.reduce((sum, part) => sum + (part % stepsPerCall), 0);

/**
 * Steps per call up to a bound that cover the parts of an epoch with the fewest calls, where steps that fill no call
 * are calls of their own.
 * @param group of which calls are a multiple
 */
export function stepsPerCallOf(parts: readonly number[], most: number, group = 1): number {
  let [best, fewest] = [group, Number.POSITIVE_INFINITY];
  for (let length = group; length <= most; length += group) {
    const singles = singleSteps(parts, length);
    const calls = parts.reduce((sum, part) => sum + Math.floor(part / length), singles);
    if (calls < fewest) [best, fewest] = [length, calls];
  }
  return best;
}

/** Call sizes for the parts of an epoch: full, and single steps. */
export const callsOf = (entry: string, parts: readonly number[], stepsPerCall: number): Call[] => [
  ...(parts.some((part) => part >= stepsPerCall) ? ([[entry, stepsPerCall]] as const) : []),
  ...(singleSteps(parts, stepsPerCall) > 0 ? ([[entry, 1]] as const) : []),
];

/** Signals and the progress bar wait this long for a call. */
const CALL_MILLISECONDS = 150;

const stepsOfNextCall = (steps: number, milliseconds: number): number =>
  Math.max(1, Math.floor((CALL_MILLISECONDS * steps) / milliseconds));

export interface Pace {
  /** Of the next call, at most stepsPerCall. */
  steps(): number;
  took(steps: number, milliseconds: number): void;
}

/**
 * Always full calls where these have a program of their own; else from one step on it follows the last call's time,
 * except the first's, which may compile.
 * @param group of which calls are a multiple
 */
export function createPace({ wholeCalls }: Pick<Program, "wholeCalls">, stepsPerCall: number, group = 1): Pace {
  const whole = (steps: number): number => Math.min(stepsPerCall, Math.max(group, steps - (steps % group)));
  let steps = wholeCalls ? stepsPerCall : whole(1);
  let calls = 0;
  return {
    steps: () => steps,
    took(taken, milliseconds) {
      calls += 1;
      if (calls > 1 && !wholeCalls) steps = whole(stepsOfNextCall(taken, milliseconds));
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
