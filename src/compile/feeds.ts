import { sizeOf } from "../common/shapes.js";
import { type Tensor, tf } from "../runtime/tf.js";
import type { Entry, FeedSpec, FeedValues } from "./types.js";

export const feedTensor = (
  values: Float32Array | Int32Array,
  shape: readonly number[],
  dtype: FeedSpec["dtype"],
): Tensor => tf.tensor(values, [...shape], dtype);

/** The values of one named feed. @throws RangeError if it is missing or of another length */
export function feedValues(feeds: FeedValues, name: string, length: number): Float32Array | Int32Array {
  const values = feeds[name];
  if (values === undefined) throw new RangeError(`The feed ${name} is missing.`);
  if (values.length !== length) {
    throw new RangeError(`The feed ${name} has ${values.length} elements instead of ${length}.`);
  }
  return values;
}

/** The feeds of some of a call's steps. @throws RangeError if one is missing or of another length */
export const partOf = (
  { perStep, shared }: Pick<Entry, "perStep" | "shared">,
  feeds: FeedValues,
  from: number,
  steps: number,
  count: number,
): FeedValues => ({
  ...Object.fromEntries(
    Object.entries(perStep).map(([name, { shape }]) => {
      const size = sizeOf(shape);
      return [name, feedValues(feeds, name, size * steps).subarray(size * from, size * (from + count))];
    }),
  ),
  ...Object.fromEntries(
    Object.entries(shared).map(([name, spec]) => [name, feedValues(feeds, name, sizeOf(spec.shape))]),
  ),
});

/** Tensors of one step from arrays stacked over `steps` steps. */
export function stepFeeds(
  entry: Pick<Entry, "perStep" | "shared">,
  feeds: FeedValues,
  index: number,
  steps: number,
): Record<string, Tensor> {
  const specs = { ...entry.perStep, ...entry.shared };
  const values = Object.entries(partOf(entry, feeds, index, steps, 1));
  return Object.fromEntries(
    values.map(([name, part]) => {
      const { shape, dtype } = specs[name] as FeedSpec;
      return [name, feedTensor(part, shape, dtype)];
    }),
  );
}

/** Numbers by their bits, zero-padded to a length. */
export function bitsOf(values: Float32Array | Int32Array, length: number = values.length): Int32Array {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  if (bits.length === length) return bits;
  const full = new Int32Array(length);
  full.set(bits);
  return full;
}

/** @throws RangeError for an unknown entry */
export function entryNamed(entries: Readonly<Record<string, Entry>>, name: string): Entry {
  const entry = entries[name];
  if (entry === undefined) throw new RangeError(`The program has no entry ${name}.`);
  return entry;
}

/** The entry of a call. @throws RangeError for an unknown one, or a call of no steps or more than it takes */
export function calledEntry(entries: Readonly<Record<string, Entry>>, name: string, steps: number): Entry {
  const entry = entryNamed(entries, name);
  if (steps >= 1 && steps <= entry.stepsPerCall) return entry;
  throw new RangeError(`${name} takes 1 to ${entry.stepsPerCall} steps a call, not ${steps}.`);
}
