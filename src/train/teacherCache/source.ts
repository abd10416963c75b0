import type { Feeds, FeedValues } from "../../compile/types.js";
import { PLAN_COLUMNS } from "../../data/sampler.js";
import { keptOutput } from "../../distill/views.js";
import type { Tensor } from "../../runtime/tf.js";
import type { BatchSource } from "../feeds/batchSource.js";
import type { Lookup } from "./lookup.js";
import type { OutputSizes } from "./outputs.js";

const feedName = (output: string): string => `teacher_${output}`;
const NONE = new Int32Array(0);

/**
 * A source whose whole batches bring the teacher's outputs along. The short batch at an epoch's end comes as it is and
 * its step runs the teacher: bits may depend on a batch's size, and it is one step in an epoch.
 */
export function guidedSource(
  inner: BatchSource,
  lookup: Lookup,
  sizes: OutputSizes,
  batchSize: number,
): BatchSource {
  const names = [...sizes.keys()];
  const outputFeeds = Object.fromEntries(
    Array.from(sizes, ([name, size]) => {
      return [feedName(name), { shape: [batchSize, size], dtype: "float32" as const }];
    }),
  );
  const isGuided = (feeds: Feeds): boolean => names.every((name) => feedName(name) in feeds);
  return {
    ...inner,
    specs: (size) => ({ ...inner.specs(size), ...(size === batchSize && outputFeeds) }),
    batch(feeds) {
      const batch = inner.batch(feeds);
      if (!isGuided(feeds)) return batch;
      const parts = names.map((name) => [name, feeds[feedName(name)] as Tensor]);
      return Object.create(batch, { guide: { value: keptOutput(Object.fromEntries(parts)) } });
    },
    values(rows, upcoming = NONE): FeedValues {
      const batches = inner.values(rows, upcoming);
      if ((rows.length / PLAN_COLUMNS) % batchSize !== 0) return batches;
      // What the short batch at the end needs is not looked up.
      const short = upcoming.length % (batchSize * PLAN_COLUMNS);
      const outputs = lookup.outputs(rows, upcoming.subarray(0, upcoming.length - short));
      const feeds = Array.from(outputs, ([name, values]) => [feedName(name), values]);
      return { ...batches, ...Object.fromEntries(feeds) };
    },
  };
}
