import type { OpenWork, Timing, Variant, Work } from "./types.js";

/** A variant at work and what was measured of it so far, in milliseconds. */
interface Runner {
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
  return { variant, open: open as unknown as OpenWork, firstStepMs, repeats: [] };
}

function timingOf({ what, batchSize, steps, images }: Work, runner: Runner): Timing {
  const { variant, firstStepMs, repeats } = runner;
  const middle = median(repeats);
  return {
    what,
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
 * Times a work with each variant. The variants take turns, repeat by repeat, so that a machine that becomes slower
 * or faster meanwhile does not change their ratio; a whole repeat of each, not counted, warms up.
 * @param repeats at least 1
 * @param onStart called before each variant's first step
 */
export function measure(
  work: Work,
  variants: readonly Variant[],
  repeats: number,
  onStart: (variant: Variant) => void,
): Timing[] {
  const runners: Runner[] = [];
  try {
    for (const variant of variants) {
      onStart(variant);
      runners.push(start(work, variant));
    }
    for (const { open } of runners) open.repeat(1);
    for (let index = 2; index < repeats + 2; index++) {
      for (const { open, repeats: times } of runners) times.push(timed(() => open.repeat(index)));
    }
    return runners.map((runner) => timingOf(work, runner));
  } finally {
    for (const { open } of runners) open.dispose();
  }
}
