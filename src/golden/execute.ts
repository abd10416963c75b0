import type { FeedSpec, Feeds } from "../compile/types.js";
import { type Tensor, tf } from "../runtime/tf.js";
import type { HostTensor } from "./summary.js";

/** A tensor that a calculation is given. */
export interface Feed extends FeedSpec {
  readonly values: Float32Array | Int32Array;
}

/** Something to be computed: pure, from its feeds and variables, under names to read it by. */
export interface Calculation {
  readonly feeds: Readonly<Record<string, Feed>>;
  describe(feeds: Feeds): Readonly<Record<string, Tensor>>;
}

const mapValues = <A, B>(
  from: Readonly<Record<string, A>>,
  change: (value: A) => B,
): Record<string, B> =>
  Object.fromEntries(Object.entries(from).map(([name, value]) => [name, change(value)]));

/** Runs a calculation once. @returns what it computes, by name, in its own layout (NHWC) */
export function execute({ feeds, describe }: Calculation): Record<string, HostTensor> {
  let results: Record<string, HostTensor> = {};
  tf.tidy(() => {
    const tensors = mapValues(feeds, (feed) => tf.tensor(feed.values, [...feed.shape], feed.dtype));
    results = mapValues(describe(tensors), (tensor) => ({
      shape: tensor.shape,
      values: tensor.dataSync() as Float32Array,
    }));
  });
  return results;
}

/** The result of a name. @throws Error if the calculation does not compute it */
export function result(results: Readonly<Record<string, HostTensor>>, name: string): HostTensor {
  const tensor = results[name];
  if (tensor === undefined) throw new Error(`${name} was not computed.`);
  return tensor;
}
