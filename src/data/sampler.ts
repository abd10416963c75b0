import { createRandom, type Random } from "../common/random.js";

/** Numbers per row of a plan: image index, crop y, crop x, flip. */
export const PLAN_COLUMNS = 4;

/** Pixels of zero padding on each side of an image before it is cropped. */
export const CROP_PADDING = 4;

/** Crop offsets along each axis: 0 to 8, 4 being the image as it is. */
export const CROP_OFFSETS = 2 * CROP_PADDING + 1;

/**
 * What one epoch trains on, in order: every image once, with a fresh order, crop and flip. It depends on
 * the arguments only, so that a resumed run sees what the uninterrupted one would have seen.
 * @param seed the run's seed
 * @param epoch 1-based
 * @param count number of training images
 * @returns [count, 4] int32 rows (image index, crop y 0..8, crop x 0..8, flip 0 or 1)
 */
export function epochPlan(seed: number, epoch: number, count: number): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  createRandom(seed, "shuffle", epoch).shuffle(order);
  const augmentation = createRandom(seed, "augmentation", epoch);
  const plan = new Int32Array(count * PLAN_COLUMNS);
  for (let row = 0; row < count; row++) {
    plan[row * PLAN_COLUMNS] = order[row] as number;
    drawAugmentation(augmentation, plan, row * PLAN_COLUMNS + 1);
  }
  return plan;
}

function drawAugmentation(random: Random, plan: Int32Array, offset: number): void {
  plan[offset] = random.integer(CROP_OFFSETS);
  plan[offset + 1] = random.integer(CROP_OFFSETS);
  plan[offset + 2] = random.integer(2);
}

/** The rows [from, to) of one batch. */
export interface BatchRange {
  readonly from: number;
  readonly to: number;
}

/**
 * The batches of one pass over `count` rows: all of `batchSize` rows, and a last short one if any are left.
 * @param count rows, 0 or more
 * @param batchSize 1 or more
 */
export function batchRanges(count: number, batchSize: number): BatchRange[] {
  const batches = Math.ceil(count / batchSize);
  return Array.from({ length: batches }, (_, batch) => ({
    from: batch * batchSize,
    to: Math.min(count, (batch + 1) * batchSize),
  }));
}
