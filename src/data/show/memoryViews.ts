import type { ImagesInMemory } from "../dataset.js";
import { assembleTestBatch, assembleTrainBatch, valuesOf } from "../hostBatch.js";
import { epochPlan, PLAN_COLUMNS } from "../sampler.js";
import { toBytes } from "./pixels.js";
import type { Shown, ShownSettings } from "./shown.js";

/** A set of one image alone. */
function alone(set: ImagesInMemory, image: number): ImagesInMemory {
  const { height, width, channels, normalization, augmentation, labels } = set;
  const size = valuesOf(set);
  const images = set.some?.([image]) ?? set.images.subarray(image * size, (image + 1) * size);
  return {
    ...{ kind: "memory", height, width, channels, normalization, augmentation },
    ...{ images, labels: labels.slice(image, image + 1), count: 1 },
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

/** What an image in memory is called where its data set has no file for each: its place among those in the set's files. */
const placeName = ({ positions }: ImagesInMemory, image: number): string =>
  `image ${positions?.[image] ?? image}`;

/** Shows images in memory: each as it is, and as batches hold it. */
export function memoryViews(
  set: ImagesInMemory,
  images: readonly number[],
  { epochs, seed }: ShownSettings,
): Shown[] {
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
      ...{ name: set.names?.[image] ?? placeName(set, image), label: own.labels[0] as number },
      ...{ size: { height, width }, original: { height, width, bytes: own.images }, views },
    };
  });
}
