import type { EngineName, FeedSpec, Feeds, FeedValues } from "../compile/types.js";
import { residentBatch, residentBytes, residentImages } from "../data/augment.js";
import { type ImageSet, type ImagesInMemory, inMemory } from "../data/dataset.js";
import { assembleTrainBatch } from "../data/hostBatch.js";
import { openPrefetcher } from "../data/prefetch.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import type { Batch } from "../learn/batch.js";
import { type Tensor, type Tensor1D, type Tensor4D, tf, type Variable } from "../runtime/tf.js";

/** Where the images of a step come from. A plan row is (image, crop y, crop x, flip), as in data/sampler.ts. */
export interface BatchSource {
  readonly set: ImagesInMemory;
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
  /** Ends what a source keeps running. */
  close?(): void;
}

/** Images assembled on the host and fed to every step. */
export const streamedSource = (set: ImagesInMemory): BatchSource => ({
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
  values: (rows) => {
    const { images, labels } = assembleTrainBatch(set, rows);
    return { images, labels, image: imageColumn(rows) };
  },
});

/** Which image of the set each plan row shows. */
export const imageColumn = (rows: Int32Array): Int32Array =>
  Int32Array.from(
    { length: rows.length / PLAN_COLUMNS },
    (_, i) => rows[i * PLAN_COLUMNS] as number,
  );

/** How much more than the last call took is made ahead: how many steps a call takes follows from their time. */
const AHEAD = 1.25;

/** The same, the next call's batches made in another thread while the steps of this one run. */
export function prefetchedSource(set: ImagesInMemory): BatchSource {
  const prefetcher = openPrefetcher(set);
  return {
    ...streamedSource(set),
    values(rows, upcoming) {
      const { images, labels } = prefetcher.take(rows);
      const ahead = Math.ceil((AHEAD * rows.length) / PLAN_COLUMNS);
      const next = upcoming?.subarray(0, ahead * PLAN_COLUMNS);
      if (next !== undefined && next.length > 0) prefetcher.prepare(next);
      return { images, labels, image: imageColumn(rows) };
    },
    close: () => prefetcher.close(),
  };
}

/** Plan rows of images as they are: the middle crop, not flipped. Past the end, rows repeat image 0. */
export function plainRows(
  from: number,
  to: number,
  { count, augmentation: { padding } }: Pick<ImagesInMemory, "count" | "augmentation">,
): Int32Array {
  const rows = new Int32Array((to - from) * PLAN_COLUMNS);
  for (let i = from; i < to; i++) {
    rows.set([i < count ? i : 0, padding, padding, 0], (i - from) * PLAN_COLUMNS);
  }
  return rows;
}

/** Images that lie where the steps run; a step is fed plan rows only. Releases are the caller's. */
export function residentSource(set: ImagesInMemory): BatchSource {
  const resident = residentImages(set);
  return {
    set,
    variables: [resident.pixels, resident.labels],
    specs: (batchSize) => ({ rows: { shape: [batchSize, PLAN_COLUMNS], dtype: "int32" } }),
    batch: ({ rows }) => ({
      ...residentBatch(resident, rows as Tensor, set),
      get image() {
        const column = tf.slice(rows as Tensor, [0, 0], [rows?.shape[0] as number, 1]);
        return tf.reshape(column, [-1]) as Tensor1D;
      },
    }),
    values: (rows) => ({ rows }),
  };
}

/** Default budget of resident images: CIFAR-100 as a whole takes 0.74 GB. */
const DEFAULT_BUDGET_MB = 2048;

/**
 * Where a run's images come from. The engine that runs many steps per call has them resident, if all sets fit the
 * budget together, else made ahead in another thread; a step at a time takes far longer than making its batch, which
 * is done in between. The batches are the same.
 * @param budgetMb device memory for images, in MB
 */
export function chooseSources(
  sets: readonly ImageSet[],
  engine: EngineName,
  budgetMb: number = DEFAULT_BUDGET_MB,
): BatchSource[] {
  const images = sets.map(inMemory);
  const bytes = images.reduce((sum, set) => sum + residentBytes(set), 0);
  return images.map(bytes <= budgetMb * 1e6 ? WITHIN_BUDGET[engine] : BEYOND_BUDGET[engine]);
}

type SourceOf = (set: ImagesInMemory) => BatchSource;

const WITHIN_BUDGET: Readonly<Record<EngineName, SourceOf>> = {
  eager: streamedSource,
  graph: streamedSource,
  xla: residentSource,
};

const BEYOND_BUDGET: Readonly<Record<EngineName, SourceOf>> = {
  ...WITHIN_BUDGET,
  xla: prefetchedSource,
};
