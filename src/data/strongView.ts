import { createRandom } from "../common/random.js";
import { cropOffsets } from "./augmentation.js";
import type { ImagesInMemory } from "./dataset.js";
import { assembleTrainBatch } from "./hostBatch.js";
import { PLAN_COLUMNS } from "./sampler.js";

/** What the strong view of an image follows from, besides the image. */
export interface StrongSource {
  readonly seed: number;
  /** From 1. */
  readonly epoch: number;
}

/**
 * The strong view of the images that plan rows name, in their order: a second crop and flip of each. It follows from seed,
 * epoch and image alone.
 * @param planRows [n, 4], see sampler.ts
 * @returns [n, height, width, 3], normalised
 */
export function assembleStrongBatch(
  set: ImagesInMemory,
  planRows: Int32Array,
  { seed, epoch }: StrongSource,
): Float32Array {
  const offsets = cropOffsets(set.augmentation);
  const rows = planRows.slice();
  for (let at = 0; at < rows.length; at += PLAN_COLUMNS) {
    const random = createRandom(seed, "strong view", epoch, rows[at] as number);
    rows.set([random.integer(offsets), random.integer(offsets), random.integer(2)], at + 1);
  }
  return assembleTrainBatch(set, rows).images;
}
