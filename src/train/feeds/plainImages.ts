import { stepFeeds } from "../../compile/feeds.js";
import type { Tensor4D } from "../../runtime/tf.js";
import { type BatchSource, plainRows } from "./batchSource.js";

/**
 * Images of a source outside of a step, as evaluation sees them, and as a step makes them of what it is fed. Within a tidy.
 * @returns [to - from, height, width, 3]
 */
export function plainImages(source: BatchSource, from: number, to: number): Tensor4D {
  const { set, mostImages = 0 } = source;
  const next = plainRows(to, Math.min(set.count, to + mostImages), set);
  const values = source.values(plainRows(from, to, set), next);
  const feeds = stepFeeds({ perStep: source.specs(to - from), shared: {} }, values, 0, 1);
  return source.batch(feeds).images;
}
