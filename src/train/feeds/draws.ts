import type { FeedSpec, Feeds, FeedValues } from "../../compile/types.js";
import type { Learner } from "../../learn/learner.js";
import { imageColumn } from "../feeds/batchSource.js";

/** What a method draws travels under names of its own. */
const PREFIX = "drawn.";

const prefixed = <Value>(values: Readonly<Record<string, Value>>): Record<string, Value> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [PREFIX + name, value]));

/** Feeds of what a learner's method draws for a step of N images. */
export const drawnSpecs = ({ draws }: Learner, images: number): Record<string, FeedSpec> =>
  draws === undefined ? {} : prefixed(draws.specs(images));

/** What was drawn for a step, under the method's own names. */
export const drawnFeeds = (feeds: Feeds): Feeds =>
  Object.fromEntries(
    Object.entries(feeds)
      .filter(([name]) => name.startsWith(PREFIX))
      .map(([name, value]) => [name.slice(PREFIX.length), value]),
  );

/**
 * Draws for consecutive steps, each with its own stream, however many steps one call takes.
 * @param rows plan rows of all of them
 * @param place the first one
 */
export function drawnValues(
  { draws }: Learner,
  rows: Int32Array,
  batchSize: number,
  { epoch, step }: { readonly epoch: number; readonly step: number },
): FeedValues {
  if (draws === undefined) return {};
  const images = imageColumn(rows);
  const steps: FeedValues[] = [];
  for (let from = 0; from < images.length; from += batchSize) {
    const image = images.subarray(from, from + batchSize);
    steps.push(draws.values({ epoch, step: step + from / batchSize, image }));
  }
  const [first = {}] = steps;
  const joined = Object.keys(first).map((name) => [
    name,
    joinedArrays(steps.map((s) => s[name] as Drawn)),
  ]);
  return prefixed(Object.fromEntries(joined));
}

type Drawn = Float32Array | Int32Array;

function joinedArrays(parts: readonly Drawn[]): Drawn {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const all = parts[0] instanceof Int32Array ? new Int32Array(length) : new Float32Array(length);
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
