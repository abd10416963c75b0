import type { OpenWork, Timing, Variant, Work } from "./types.js";

/** A variant at work and what was measured of it so far, in milliseconds. */
export interface Runner {
  readonly work: Work;
  readonly variant: Variant;
  readonly open: OpenWork;
  readonly firstStepMs: number;
  /** Time of each repeat. */
  readonly repeats: number[];
}

/** Milliseconds that something takes. */
function timed(run: () => void): number {
  const started = performance.now();
  run();
  return performance.now() - started;
}

/** The middle of the values, the mean of the two middle ones for an even number of them. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted.length >> 1;
  const lower = (sorted.length - 1) >> 1;
  return ((sorted[lower] as number) + (sorted[upper] as number)) / 2;
}

function start(work: Work, variant: Variant): Runner {
  let open: OpenWork | undefined;
  const firstStepMs = timed(() => {
    open = work.open(variant);
    open.first();
  });
  return { work, variant, open: open as unknown as OpenWork, firstStepMs, repeats: [] };
}

/**
 * Opens a work with each variant and takes one step of each.
 * @param onStart called before each variant's first step
 */
export function startAll(work: Work, variants: readonly Variant[], onStart: (variant: Variant) => void): Runner[] {
  const runners: Runner[] = [];
  try {
    for (const variant of variants) {
      onStart(variant);
      runners.push(start(work, variant));
    }
    return runners;
  } catch (error) {
    close(runners);
    throw error;
  }
}

/** Frees what was opened. */
export function close(runners: readonly Runner[]): void {
  for (const { open } of runners) open.dispose();
}

/**
 * Times runners in turns, repeat by repeat, so that a machine that becomes slower or faster meanwhile does not change their
 * ratios; a whole repeat of each, not counted, warms up.
 * @param repeats at least 1
 */
export function takeTurns(runners: readonly Runner[], repeats: number): void {
  for (const { open } of runners) open.repeat(1);
  for (let index = 2; index < repeats + 2; index++) {
    for (const { open, repeats: times } of runners) times.push(timed(() => open.repeat(index)));
  }
}

/** Measurements of a runner. */
export function timingOf({ work, variant, firstStepMs, repeats }: Runner): Timing {
  const { what, method, batchSize, steps, images } = work;
  const middle = median(repeats);
  return {
    what,
    ...(method !== undefined && { method }),
    ...variant,
    batchSize,
    stepMs: middle / steps,
    stepMsMin: Math.min(...repeats) / steps,
    stepMsMax: Math.max(...repeats) / steps,
    imagesPerSecond: (1000 * images) / middle,
    firstStepMs,
  };
}

/**
 * Times a work with each variant, in turns.
 * @param repeats at least 1
 * @param onStart called before each variant's first step
 */
export function measure(
  work: Work,
  variants: readonly Variant[],
  repeats: number,
  onStart: (variant: Variant) => void,
): Timing[] {
  const runners = startAll(work, variants, onStart);
  try {
    takeTurns(runners, repeats);
    return runners.map(timingOf);
  } finally {
    close(runners);
  }
}
