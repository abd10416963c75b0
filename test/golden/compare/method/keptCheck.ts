import { type Check, checkNumber, mismatch, withinRelative, withinScale } from "../comparison.js";
import { checkSummary, type HostTensor, type SummaryBounds } from "../summary.js";
import type { Snapshot } from "../trajectory/run.js";
import { imagesOf } from "./keys.js";
import type { KeptGolden } from "./schema.js";

/** Relative to a norm, and of the root mean square of an element. */
const FLOORS = { norm: 1e-4, element: 1e-2 };

/**
 * What a method keeps from step to step: memory banks and their constants, means by class.
 * @param what begins the names of the checks
 * @param at the method's tensors
 * @param images of a batch
 * @param spread of an element of a bank, absolute
 */
export const checkKept = (what: string, golden: KeptGolden, at: Snapshot, images: number, spread = 0): Check[] => [
  ...checkBanks(what, golden, at, images, spread),
  ...checkQueue(what, golden, at, spread),
  ...checkConstants(what, golden, at),
  ...checkContexts(what, golden, at),
];

function checkBanks(what: string, { memoryAfter }: KeptGolden, at: Snapshot, images: number, spread: number): Check[] {
  const places = imagesOf(images);
  return Object.entries(memoryAfter).flatMap(([name, rows]) => {
    const bank = at.get(name);
    if (bank === undefined) return [mismatch(what + name, "is missing")];
    const width = bank.shape[1] as number;
    return rows.flatMap((expected, i) => {
      const from = (places[i] as number) * width;
      const row = { shape: [width], values: bank.values.slice(from, from + width) };
      return checkSummary(`${what}${name} of image ${places[i]}`, row, expected, {
        element: withinScale(spread, FLOORS.element, 1 / Math.sqrt(width)),
        norm: withinRelative(0, FLOORS.norm),
      });
    });
  });
}

/** Embeddings of length 1 in a queue. */
function checkQueue(what: string, { queueAfter }: KeptGolden, at: Snapshot, spread: number): Check[] {
  if (queueAfter === undefined) return [];
  const queue = at.get("queue");
  if (queue === undefined) return [mismatch(`${what}queue`, "is missing")];
  const width = queueAfter.shape[1] as number;
  return checkSummary(`${what}queue`, queue, queueAfter, {
    element: withinScale(spread, FLOORS.element, 1 / Math.sqrt(width)),
    norm: withinRelative(0, FLOORS.norm),
  });
}

function checkConstants(what: string, { zV1, zV2 }: KeptGolden, at: Snapshot): Check[] {
  return Object.entries({ z_v1: zV1, z_v2: zV2 }).flatMap(([name, expected]) => {
    if (expected === undefined) return [];
    const found = at.get(name)?.values[0] ?? Number.NaN;
    return [checkNumber(what + name, found, expected, withinRelative(0, FLOORS.norm))];
  });
}

/** Means of the epoch before, and those that the last one gathers. */
function checkContexts(what: string, { context1, context2, spread }: KeptGolden, at: Snapshot): Check[] {
  const [means, sums, weights] = ["context", "context_sums", "context_weights"].map((name) => at.get(name));
  const bounds = (l2: number, widest = 0): SummaryBounds => ({
    element: withinScale(widest, FLOORS.element, l2 / Math.sqrt(sums?.values.length ?? 1)),
    norm: withinRelative(0, FLOORS.norm),
  });
  const check = (
    name: string,
    found: HostTensor | undefined,
    expected: KeptGolden["context1"],
    widest: number | undefined,
  ): Check[] => {
    if (expected === undefined) return [];
    if (found === undefined) return [mismatch(what + name, "is missing")];
    return checkSummary(what + name, found, expected, bounds(expected.l2, widest));
  };
  const gathered = sums && weights && quotient(sums, weights);
  return [
    ...check("context1", means, context1, spread.context1MaxAbs),
    ...check("context2", gathered, context2, spread.context2MaxAbs),
  ];
}

/** Rows [R, D] divided by weights [R, 1]; zeros where a weight is 0. */
function quotient(rows: HostTensor, weights: HostTensor): HostTensor {
  const width = rows.shape[1] as number;
  const values = rows.values.map((value, i) => {
    const weight = weights.values[Math.floor(i / width)] as number;
    return weight === 0 ? 0 : value / weight;
  });
  return { shape: rows.shape, values };
}
