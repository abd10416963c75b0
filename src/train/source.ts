import type { EngineName, FeedSpec, Feeds, FeedValues } from "../compile/types.js";
import { residentBatch, residentBytes, residentImages } from "../data/augment.js";
import { assembleTrainBatch } from "../data/hostBatch.js";
import { CROP_PADDING, PLAN_COLUMNS } from "../data/sampler.js";
import type { ImageSet } from "../data/types.js";
import type { Tensor, Tensor1D, Tensor4D, Variable } from "../runtime/tf.js";
import type { Batch } from "./learner.js";

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
}

/** Images assembled on the host and fed to every step. */
export const streamedSource = (set: ImageSet): BatchSource => ({
  set,
  variables: [],
  specs: (batchSize) => ({
    images: { shape: [batchSize, set.height, set.width, set.channels], dtype: "float32" },
    labels: { shape: [batchSize], dtype: "int32" },
  }),
  batch: ({ images, labels }) => ({ images: images as Tensor4D, labels: labels as Tensor1D }),
  values: (rows) => {
    const { images, labels } = assembleTrainBatch(set, rows);
    return { images, labels };
  },
});

/** Plan rows of images as they are: the middle crop, not flipped. Past the end, rows repeat image 0. */
export function plainRows(from: number, to: number, count: number): Int32Array {
  const rows = new Int32Array((to - from) * PLAN_COLUMNS);
  for (let i = from; i < to; i++) {
    rows.set([i < count ? i : 0, CROP_PADDING, CROP_PADDING, 0], (i - from) * PLAN_COLUMNS);
  }
  return rows;
}

/** Images that lie where the steps run; a step is fed plan rows only. Releases are the caller's. */
export function residentSource(set: ImageSet): BatchSource {
  const resident = residentImages(set);
  return {
    set,
    variables: [resident.pixels, resident.labels],
    specs: (batchSize) => ({ rows: { shape: [batchSize, PLAN_COLUMNS], dtype: "int32" } }),
    batch: ({ rows }) => residentBatch(resident, rows as Tensor, set),
    values: (rows) => ({ rows }),
  };
}

/** Default budget of resident images: CIFAR-100 as a whole takes 0.74 GB. */
const DEFAULT_BUDGET_MB = 2048;

/**
 * Where a run's images come from: resident for the engine that runs many steps per call, if all sets fit the budget
 * together; fed from the host otherwise. The batches are the same.
 * @param budgetMb device memory for images, in MB
 */
export function chooseSources(
  sets: readonly ImageSet[],
  engine: EngineName,
  budgetMb: number = DEFAULT_BUDGET_MB,
): BatchSource[] {
  const bytes = sets.reduce((sum, set) => sum + residentBytes(set), 0);
  const resident = engine === "xla" && bytes <= budgetMb * 1e6;
  return sets.map(resident ? residentSource : streamedSource);
}
