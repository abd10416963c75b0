import { median } from "../common/median.js";
import type { OpenWork, Timing, Variant, Work } from "./types.js";

/** An opened variant and its measurements in milliseconds. */
export interface Runner {
  readonly work: Work;
  readonly variant: Variant;
  readonly open: OpenWork;
  readonly firstStepMs: number;
  readonly repeats: number[];
}

function timed(run: () => void): number {
  const started = performance.now();
  run();
  return performance.now() - started;
}

function start(work: Work, variant: Variant): Runner {
  let open: OpenWork | undefined;
  const firstStepMs = timed(() => {
    open = work.open(variant);
    open.first();
  });
  return { work, variant, open: open as unknown as OpenWork, firstStepMs, repeats: [] };
}

/** Opens a work with each variant and runs a first step. @param onStart called before each variant's first step */
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

/** Frees runners. */
export function close(runners: readonly Runner[]): void {
  for (const { open } of runners) open.dispose();
}

/** Times runners in turns, so that a machine's drift does not change their ratios; the first round is a warm-up. */
export function takeTurns(runners: readonly Runner[], repeats: number): void {
  for (const { open } of runners) open.repeat(1);
  for (let index = 2; index < repeats + 2; index++) {
    for (const { open, repeats: times } of runners) times.push(timed(() => open.repeat(index)));
  }
}

/** A runner's medians. */
export const timingOf = (runner: Runner): Timing => ({ ...mediansOf(runner), ...runner.variant });

/** The same of calls in whatever program. */
export function mediansOf({
  work: { what, method, batchSize, steps, images },
  firstStepMs,
  repeats,
}: Pick<Runner, "firstStepMs" | "repeats"> & { readonly work: Omit<Work, "open" | "dispose"> }) {
  const middle = median(repeats);
  return {
    what,
    ...(method !== undefined && { method }),
    batchSize,
    stepMs: middle / steps,
    stepMsMin: Math.min(...repeats) / steps,
    stepMsMax: Math.max(...repeats) / steps,
    imagesPerSecond: (1000 * images) / middle,
    firstStepMs,
  };
}

/** Times a work's variants in turns. @param onStart called before each variant's first step */
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
