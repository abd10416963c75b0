import { stepFeeds } from "../compile/feeds.js";
import type { FeedSpec, Feeds, FeedValues } from "../compile/types.js";
import type { ImageSet } from "../data/dataset.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import type { Batch } from "../learn/objective.js";
import type { Tensor1D, Tensor4D, Variable } from "../runtime/tf.js";

/** Images outside of a step, as in evaluation; within a tidy. @returns [to - from, height, width, 3] */
export function plainImages(source: BatchSource, from: number, to: number): Tensor4D {
  const { set, mostImages = 0 } = source;
  const next = plainRows(to, Math.min(set.count, to + mostImages), set);
  const values = source.values(plainRows(from, to, set), next);
  const feeds = stepFeeds({ perStep: source.specs(to - from), shared: {} }, values, 0, 1);
  return source.batch(feeds).images;
}

/** A source of batches. Sampler rows are (image, crop y, crop x, flip), as in data/sampler.ts. */
export interface BatchSource {
  readonly set: ImageSet;
  /** Resident images; none for fed ones. */
  readonly variables: readonly Variable[];
  specs(batchSize: number): Readonly<Record<string, FeedSpec>>;
  batch(feeds: Feeds): Batch;
  /** Host values of the feeds for sampler rows. @param upcoming known rows of the next calls */
  values(rows: Int32Array, upcoming?: Int32Array): FeedValues;
  /** Most images per call, if limited. */
  readonly mostImages?: number;
  /** Ends threads. */
  close?(): void;
}

/** The common part of sources with fed images. */
export const fedSource = (set: ImageSet): Omit<BatchSource, "values"> => ({
  set,
  variables: [],
  specs: (batchSize) => ({
    images: { shape: [batchSize, set.height, set.width, set.channels], dtype: "float32" },
    labels: { shape: [batchSize], dtype: "int32" },
    image: { shape: [batchSize], dtype: "int32" },
  }),
  batch: ({ images, labels, image }) => ({
    images: images as Tensor4D,
    labels: labels as Tensor1D,
    image: image as Tensor1D,
  }),
});

/** Image indices of sampler rows. */
export const imageColumn = (rows: Int32Array): Int32Array =>
  Int32Array.from({ length: rows.length / PLAN_COLUMNS }, (_, i) => rows[i * PLAN_COLUMNS] as number);

/** Sampler rows for evaluation: center crop, no flip; epoch 0 of images in files; past the end image 0. */
export function plainRows(
  from: number,
  to: number,
  { count, augmentation }: Pick<ImageSet, "count" | "augmentation">,
): Int32Array {
  const padding = augmentation.kind === "shift" ? augmentation.padding : 0;
  const rows = new Int32Array((to - from) * PLAN_COLUMNS);
  for (let i = from; i < to; i++) {
    rows.set([i < count ? i : 0, padding, padding, 0], (i - from) * PLAN_COLUMNS);
  }
  return rows;
}
