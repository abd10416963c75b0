import type { ImageFormat, ImageSet, ImagesInFiles, ImagesInMemory } from "./dataset.js";
import { assembleTestBatch, assembleTrainBatch, valuesOf } from "./hostBatch.js";
import { imageBytes } from "./images/byteBatch.js";
import { imageName, readImage } from "./images/places.js";
import type { ImageReader } from "./images/reader.js";
import { openImageStream } from "./images/stream/stream.js";
import { boxView, type ImageSize, wholeOf } from "./images/view.js";
import { knownTable } from "./normalize.js";
import { balancedSubset, epochPlan, PLAN_COLUMNS } from "./sampler.js";
import type { ByteImage } from "./strong/image.js";

export interface Shown {
  /** Of its file, from the data folder on; of images without files their place among all. */
  readonly name: string;
  readonly label: number;
  readonly size: ImageSize;
  /** All of it; one in a file is made to fit into what a model sees. */
  readonly original: ByteImage;
  /** Its view in each epoch. */
  readonly views: readonly ByteImage[];
}

interface ShownSettings {
  /** From 1; 0 for what evaluation shows. */
  readonly epochs: readonly number[];
  /** Of the run, from which order, crops and flips follow. */
  readonly seed: number;
}

/** The size of an image that is made to fit into a square; a smaller one keeps its own. */
function fitted({ height, width }: ImageSize, side: number): ImageSize {
  const scale = Math.min(1, side / Math.max(height, width));
  const pixels = (length: number) => Math.max(1, Math.round(length * scale));
  return { height: pixels(height), width: pixels(width) };
}

/** Images of files, each as a whole, made to fit, and what a stream feeds of it. @throws runError for unusable ones */
function fileViews(
  set: ImagesInFiles,
  images: readonly number[],
  { epochs, seed, reader }: ShownSettings & { readonly reader: ImageReader },
): Shown[] {
  const stream = openImageStream([set], { seed, workers: 0, batchSize: 1 });
  try {
    return images.map((image) => {
      const name = imageName(set.places, image);
      const file = readImage(set.places, image);
      const { height, width } = reader.size(name, file);
      const size = { height, width };
      const small = fitted(size, Math.max(set.height, set.width));
      const bytes = reader.show(name, file, () => boxView(wholeOf(size), small, false));
      const views = epochs.map((epoch) => ({
        height: set.height,
        width: set.width,
        bytes: imageBytes(stream.take([[0, image, epoch]]), set).slice(),
      }));
      return { name, label: set.labels[image] as number, size, original: { ...small, bytes }, views };
    });
  } finally {
    stream.close();
  }
}

/** Of each channel the byte that a normalized value stands for. */
function bytesByValue(table: Float32Array): readonly ReadonlyMap<number, number>[] {
  return [0, 1, 2].map(
    (channel) => new Map(Array.from({ length: 256 }, (_, byte) => [table[byte * 3 + channel] as number, byte])),
  );
}

/** The bytes that normalized pixels [height, width, 3] were made of. */
function toBytes({ height, width, normalization }: ImageFormat, values: Float32Array): ByteImage {
  const known = bytesByValue(knownTable(normalization));
  const bytes = Uint8Array.from(values, (value, i) => known[i % 3]?.get(value) as number);
  return { height, width, bytes };
}

function alone(set: ImagesInMemory, image: number): ImagesInMemory {
  const { height, width, channels, normalization, augmentation, labels } = set;
  const size = valuesOf(set);
  const images = set.some?.([image]) ?? set.images.subarray(image * size, (image + 1) * size);
  return {
    kind: "memory",
    height,
    width,
    channels,
    normalization,
    augmentation,
    images,
    labels: labels.slice(image, image + 1),
    count: 1,
  };
}

/** An epoch's plan by image: crop and flip of each, see sampler.ts. */
function planByImage(plan: Int32Array, images: ReadonlySet<number>): Map<number, Int32Array> {
  const found = new Map<number, Int32Array>();
  for (let at = 0; at < plan.length; at += PLAN_COLUMNS) {
    const image = plan[at] as number;
    if (images.has(image)) found.set(image, plan.slice(at, at + PLAN_COLUMNS).fill(0, 0, 1));
  }
  return found;
}

/** Name of an image in memory: its index in the data set's files. */
const placeName = ({ positions }: ImagesInMemory, image: number): string => `image ${positions?.[image] ?? image}`;

function memoryViews(set: ImagesInMemory, images: readonly number[], { epochs, seed }: ShownSettings): Shown[] {
  const { height, width, count, augmentation } = set;
  const wanted = new Set(images);
  const plans = epochs.map((epoch) =>
    epoch === 0 ? undefined : planByImage(epochPlan(seed, epoch, count, augmentation), wanted),
  );
  return images.map((image) => {
    const own = alone(set, image);
    const views = plans.map((plan) => {
      const row = plan?.get(image);
      const batch = row ? assembleTrainBatch(own, row) : assembleTestBatch(own, 0, 1);
      return toBytes(set, batch.images);
    });
    return {
      name: set.names?.[image] ?? placeName(set, image),
      label: own.labels[0] as number,
      size: { height, width },
      original: { height, width, bytes: own.images },
      views,
    };
  });
}

/**
 * Shows `count` images of a set at most, as many of each class as can be, with the pixels that a run feeds to a model.
 * @param reader opened where images are encoded, as it needs TensorFlow
 * @throws runError for an image that cannot be used
 */
export const shownImages = (
  set: ImageSet,
  count: number,
  settings: ShownSettings & { reader(): ImageReader },
): Shown[] => shownOf(set, [...balancedSubset(set.labels, Math.min(count, set.count), "show")], settings);

/** The same of some images. @throws runError as shownImages does */
export function shownOf(
  set: ImageSet,
  images: readonly number[],
  { reader, ...settings }: ShownSettings & { reader(): ImageReader },
): Shown[] {
  if (set.kind === "files") return fileViews(set, images, { ...settings, reader: reader() });
  if (set.some !== undefined) reader();
  return memoryViews(set, images, settings);
}
