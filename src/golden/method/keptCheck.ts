import { type Check, checkNumber, mismatch, withinRelative, withinScale } from "../comparison.js";
import { checkSummary, type HostTensor } from "../summary.js";
import type { Snapshot, TrajectoryRun } from "../trajectory/run.js";
import { imagesOf } from "./keys.js";
import type { StepsGolden } from "./schema.js";

/** Relative to a norm, and of the root mean square of an element. */
const FLOORS = { norm: 1e-4, element: 1e-2 };

/** What a method keeps from step to step: memory banks and their constants, means by class. */
export function checkKept(golden: StepsGolden, { end }: TrajectoryRun): Check[] {
  return [
    ...checkBanks(golden, end),
    ...checkConstants(golden, end),
    ...checkContexts(golden, end),
  ];
}

function checkBanks({ memoryAfter, input, spread }: StepsGolden, end: Snapshot): Check[] {
  const images = imagesOf(input.labels.length);
  return Object.entries(memoryAfter).flatMap(([name, rows]) => {
    const bank = end.get(name);
    if (bank === undefined) return [mismatch(name, "is missing")];
    const width = bank.shape[1] as number;
    return rows.flatMap((expected, i) => {
      const from = (images[i] as number) * width;
      const row = { shape: [width], values: bank.values.slice(from, from + width) };
      return checkSummary(`${name} of image ${images[i]}`, row, expected, {
        element: withinScale(spread.afterFirst8MaxAbs, FLOORS.element, 1 / Math.sqrt(width)),
        norm: withinRelative(0, FLOORS.norm),
      });
    });
  });
}

function checkConstants({ zV1, zV2 }: StepsGolden, end: Snapshot): Check[] {
  return Object.entries({ z_v1: zV1, z_v2: zV2 }).flatMap(([name, expected]) => {
    if (expected === undefined) return [];
    const found = end.get(name)?.values[0] ?? Number.NaN;
    return [checkNumber(name, found, expected, withinRelative(0, FLOORS.norm))];
  });
}

/** Means of the epoch before, and those that the last one gathers. */
function checkContexts({ context1, context2, spread }: StepsGolden, end: Snapshot): Check[] {
  if (context1 === undefined || context2 === undefined) return [];
  const [means, sums, weights] = ["context", "context_sums", "context_weights"].map((name) =>
    end.get(name),
  );
  if (means === undefined || sums === undefined || weights === undefined) {
    return [mismatch("contexts", "are missing")];
  }
  const width = sums.shape[1] as number;
  const gathered: HostTensor = {
    shape: sums.shape,
    values: sums.values.map((sum, i) => {
      const weight = weights.values[Math.floor(i / width)] as number;
      return weight === 0 ? 0 : sum / weight;
    }),
  };
  const bounds = (widest: number | undefined, l2: number) => ({
    element: withinScale(widest ?? 0, FLOORS.element, l2 / Math.sqrt(sums.values.length)),
    norm: withinRelative(0, FLOORS.norm),
  });
  return [
    ...checkSummary("context1", means, context1, bounds(spread.context1MaxAbs, context1.l2)),
    ...checkSummary("context2", gathered, context2, bounds(spread.context2MaxAbs, context2.l2)),
  ];
}
