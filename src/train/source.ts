import { stepFeeds } from "../compile/feeds.js";
import type { EngineName, FeedSpec, Feeds, FeedValues } from "../compile/types.js";
import { residentBatch, residentBytes, residentImages } from "../data/augment.js";
import type { ImageSet, ImagesInFiles, ImagesInMemory } from "../data/dataset.js";
import { assembleTrainBatch } from "../data/hostBatch.js";
import { normalizedBatch, wordsOf } from "../data/images/byteBatch.js";
import type { TicketRow } from "../data/images/stream/ring.js";
import { type ImageStream, openImageStream, type StreamSettings } from "../data/images/stream/stream.js";
import { openPrefetcher } from "../data/prefetch.js";
import { PLAN_COLUMNS } from "../data/sampler.js";
import type { Batch } from "../learn/objective.js";
import { ownInstructions } from "../runtime/ownModule.js";
import { type Tensor, type Tensor1D, type Tensor4D, tf, type Variable } from "../runtime/tf.js";

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
  /** The feed whose next values a compiled call brings to the device while it computes, if any. */
  readonly staged?: string;
  /** Most images per call, if limited. */
  readonly mostImages?: number;
  /** Ends threads. */
  close?(): void;
}

/** The common part of sources with fed images. */
const fedSource = (set: ImageSet): Omit<BatchSource, "values"> => ({
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
  for (let i = from; i < to; i++) rows.set([i < count ? i : 0, padding, padding, 0], (i - from) * PLAN_COLUMNS);
  return rows;
}

/** Sampler rows (image, epoch, 0, 0) for a stream. @param most of them */
function ticketRows(set: number, rows: Int32Array, most: number): TicketRow[] {
  const count = Math.min(most, rows.length / PLAN_COLUMNS);
  return Array.from({ length: count }, (_, i) => {
    const [image = 0, epoch = 0] = rows.subarray(i * PLAN_COLUMNS);
    return [set, image, epoch] as const;
  });
}

interface Fed {
  readonly stream: ImageStream;
  readonly engine: EngineName;
  readonly staged: boolean;
}

function fileSource(set: ImagesInFiles, index: number, { stream, engine, staged }: Fed): BatchSource {
  const labelsOf = (images: Int32Array) => images.map((image) => set.labels[image] as number);
  const fed = fedSource(set);
  return {
    ...fed,
    specs: (batchSize) => ({ ...fed.specs(batchSize), images: { shape: [batchSize, wordsOf(set)], dtype: "int32" } }),
    batch: ({ images, ...feeds }) =>
      fed.batch({ ...feeds, images: normalizedBatch(images as Tensor, set, engine === "xla") }),
    mostImages: stream.most,
    ...(staged && { staged: "images" }),
    values(rows, upcoming = new Int32Array(0)) {
      const image = imageColumn(rows);
      const next = ticketRows(index, upcoming, 2 * stream.most);
      const images = stream.take(ticketRows(index, rows, image.length), next);
      return { images, labels: labelsOf(image), image };
    },
    close: stream.close,
  };
}

/** Room for eight batches of 256 at 224 x 224, so that a call of XLA's program is four steps instead of one. */
const XLA_AHEAD_BYTES = 320e6;

/** With shared reader threads; steps normalise bytes. @param settings one image at a time in this thread by default */
function fileSources(
  sets: readonly ImagesInFiles[],
  engine: EngineName,
  { seed = 0, workers = 0, batchSize = 1, staged = false }: SourceSettings,
): BatchSource[] {
  const ahead = engine === "xla" ? { aheadBytes: XLA_AHEAD_BYTES } : {};
  const stream = openImageStream(sets, { seed, workers, batchSize, ...ahead });
  const fed = { stream, engine, staged: staged && engine === "xla" && ownInstructions() !== undefined };
  return sets.map((set, index) => fileSource(set, index, fed));
}

/** Images assembled on the host for every step. */
export const streamedSource = (set: ImagesInMemory): BatchSource => ({
  ...fedSource(set),
  values: (rows) => {
    const { images, labels } = assembleTrainBatch(set, rows);
    return { images, labels, image: imageColumn(rows) };
  },
});

/** Prefetch relative to the last call's images, as steps per call adapt to time. */
const AHEAD = 1.25;

/** streamedSource with prefetch in another thread. */
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

/** Images resident on the device, fed sampler rows; the caller disposes of them. */
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

/** CIFAR-100 takes 0.74 GB. */
const DEFAULT_BUDGET_MB = 2048;

/** Only images in files need more than the budget. */
export type SourceSettings = Partial<StreamSettings> & {
  readonly budgetMb?: number | undefined;
  /** Whether XLA's calls bring the next call's images to the device while they compute. */
  readonly staged?: boolean | undefined;
};

/**
 * A run's sources with equal batches: threads prefetch images in files; images in memory are resident for XLA if all
 * sets fit the budget, else prefetched by a thread; other engines make batches between steps.
 */
export function chooseSources(
  sets: readonly ImageSet[],
  engine: EngineName,
  { budgetMb = DEFAULT_BUDGET_MB, ...settings }: SourceSettings = {},
): BatchSource[] {
  const files = sets.filter((set): set is ImagesInFiles => set.kind === "files");
  if (files.length > 0) return fileSources(files, engine, settings);
  const images = sets.filter((set): set is ImagesInMemory => set.kind === "memory");
  const bytes = images.reduce((sum, set) => sum + residentBytes(set), 0);
  // Rotations are made on the host: resident images support only shifts.
  const fit = bytes <= budgetMb * 1e6 && images.every((set) => set.augmentation.kind === "shift");
  return images.map(fit ? WITHIN_BUDGET[engine] : BEYOND_BUDGET[engine]);
}

type SourceOf = (set: ImagesInMemory) => BatchSource;

const WITHIN_BUDGET: Readonly<Record<EngineName, SourceOf>> = {
  eager: streamedSource,
  graph: streamedSource,
  xla: residentSource,
};

const BEYOND_BUDGET: Readonly<Record<EngineName, SourceOf>> = { ...WITHIN_BUDGET, xla: prefetchedSource };
