import { close, median, type Runner, startAll, takeTurns, timingOf } from "./measure.js";
import type { Cost, Timing, Variant, Work } from "./types.js";

/** What a work costs over another one that took turns with it: medians over the repeats. */
function costOver(base: Runner, own: Runner): Cost {
  const pairs = own.repeats.map((time, i) => [time, base.repeats[i] as number] as const);
  return {
    stepMs: median(pairs.map(([time, other]) => time - other)) / own.work.steps,
    ratio: median(pairs.map(([time, other]) => time / other)),
  };
}

/**
 * Times works beside a base, each in turns with it and each variant with the same one of the base.
 * @param works made one after the other, when they are timed
 * @returns timings of the base, then those of the works, each with what it costs over the base
 */
export function measureOver(
  base: Work,
  works: Iterable<Work>,
  variants: readonly Variant[],
  repeats: number,
  onStart: (work: Work, variant: Variant) => void,
): Timing[] {
  const beside = startAll(base, variants, (variant) => onStart(base, variant));
  const all = new Map<Runner, number[]>(beside.map((runner) => [runner, []]));
  try {
    const timings: Timing[] = [];
    for (const work of works) {
      timings.push(...measureBeside(beside, work, variants, repeats, onStart));
      for (const [runner, times] of all) times.push(...runner.repeats.splice(0));
    }
    if (timings.length === 0) takeTurns(beside, repeats);
    const ofBase = beside.map((runner) => {
      const times = all.get(runner) as number[];
      return timingOf(times.length > 0 ? { ...runner, repeats: times } : runner);
    });
    return [...ofBase, ...timings];
  } finally {
    close(beside);
    base.dispose();
  }
}

function measureBeside(
  beside: readonly Runner[],
  work: Work,
  variants: readonly Variant[],
  repeats: number,
  onStart: (work: Work, variant: Variant) => void,
): Timing[] {
  let runners: Runner[] = [];
  try {
    runners = startAll(work, variants, (variant) => onStart(work, variant));
    takeTurns(
      runners.flatMap((runner, i) => [beside[i] as Runner, runner]),
      repeats,
    );
    return runners.map((runner, i) => ({
      ...timingOf(runner),
      overKd: costOver(beside[i] as Runner, runner),
    }));
  } finally {
    close(runners);
    work.dispose();
  }
}
