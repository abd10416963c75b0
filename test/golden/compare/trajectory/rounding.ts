import { type Check, ratioOf } from "../comparison.js";

/** How much further off than roundings reach on the eager engine another engine may be. */
const MARGIN = 2;

/** How far off numbers are at most, each as a multiple of its bound, by what was compared. */
export type Reach = ReadonlyMap<string, number>;

/** What was compared, without the element that was furthest off. */
const withoutElement = ({ what }: Check): string => what.replace(/\[\d+\]$/, "");

/** How far off each number is at most in many runs. */
export function reachOf(runs: readonly (readonly Check[])[]): Reach {
  const reach = new Map<string, number>();
  for (const check of runs.flat()) {
    const name = withoutElement(check);
    reach.set(name, Math.max(reach.get(name) ?? 0, ratioOf(check)));
  }
  return reach;
}

/** A check; one that is out of bounds has the bound that roundings give it, where that is wider. */
export function heldTo(reach: Reach, check: Check): Check {
  const factor = MARGIN * (reach.get(withoutElement(check)) ?? 0);
  if (ratioOf(check) <= 1 || factor <= 1 || !Number.isFinite(factor)) return check;
  return { ...check, bound: check.bound * factor, ofRounding: true };
}
