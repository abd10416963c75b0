import { stepFeeds } from "../compile/feeds.js";
import type { FeedSpec, Feeds, FeedValues } from "../compile/types.js";
import type { ImageSet } from "../data/dataset.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import type { Batch } from "../learn/objective.js";
import type { Tensor1D, Tensor4D, Variable } from "../runtime/tf.js";

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

/** Where the images of a step come from. A plan row is (image, crop y, crop x, flip), as in data/sampler.ts. */
export interface BatchSource {
  readonly set: ImageSet;
  /** Variables that hold the images where steps run; none when images are fed. */
  readonly variables: readonly Variable[];
  /** Feeds of one step of a batch size. */
  specs(batchSize: number): Readonly<Record<string, FeedSpec>>;
  /** The batch inside of a step. */
  batch(feeds: Feeds): Batch;
  /**
   * Host values of those feeds for any number of plan rows.
   * @param upcoming plan rows that will be asked for next, as far as is known
   */
  values(rows: Int32Array, upcoming?: Int32Array): FeedValues;
  /** Most images that one call may ask for, where there is no room for more. */
  readonly mostImages?: number;
  /** Ends what a source keeps running. */
  close?(): void;
}

/** What is the same of all sources whose images are fed to every step. */
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

/** Which image of the set each plan row shows. */
export const imageColumn = (rows: Int32Array): Int32Array =>
  Int32Array.from({ length: rows.length / PLAN_COLUMNS }, (_, i) => rows[i * PLAN_COLUMNS] as number);

/**
 * Plan rows of images as evaluation sees them: the middle crop, not flipped; of images in files epoch 0. Past the end, rows
 * repeat image 0.
 */
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
