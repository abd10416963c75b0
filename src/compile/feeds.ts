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

/** Tensors of one step from arrays stacked over `steps` steps. */
export function stepFeeds(
  entry: Pick<Entry, "perStep" | "shared">,
  feeds: FeedValues,
  index: number,
  steps: number,
): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {};
  for (const [name, spec] of Object.entries(entry.perStep)) {
    const size = sizeOf(spec.shape);
    const values = feedValues(feeds, name, size * steps);
    const part = values.subarray(index * size, (index + 1) * size);
    tensors[name] = feedTensor(part, spec.shape, spec.dtype);
  }
  for (const [name, spec] of Object.entries(entry.shared)) {
    tensors[name] = feedTensor(feedValues(feeds, name, sizeOf(spec.shape)), spec.shape, spec.dtype);
  }
  return tensors;
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

/** @throws RangeError if a call has no steps, or more than the entry takes */
export function checkSteps(entry: Entry, name: string, steps: number): void {
  if (steps >= 1 && steps <= entry.stepsPerCall) return;
  throw new RangeError(`${name} takes 1 to ${entry.stepsPerCall} steps a call, not ${steps}.`);
}
