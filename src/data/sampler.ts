import { createRandom, type Random } from "../common/random.js";
import { cropOffsets, type Shift } from "./augmentation.js";

/** Numbers per row of a plan: image index, crop y, crop x, flip. */
export const PLAN_COLUMNS = 4;

/**
 * What one epoch trains on, in order: every image once, with a fresh order, crop and flip. It depends on
 * the arguments only, so that a resumed run sees what the uninterrupted one would have seen.
 * @param seed the run's seed
 * @param epoch 1-based
 * @param count number of training images
 * @param shift how far images are shifted
 * @returns [count, 4] int32 rows (image index, crop y, crop x, flip 0 or 1); crops are 0 to twice the padding
 */
export function epochPlan(seed: number, epoch: number, count: number, shift: Shift): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  createRandom(seed, "shuffle", epoch).shuffle(order);
  const augmentation = createRandom(seed, "augmentation", epoch);
  const offsets = cropOffsets(shift);
  const plan = new Int32Array(count * PLAN_COLUMNS);
  for (let row = 0; row < count; row++) {
    plan[row * PLAN_COLUMNS] = order[row] as number;
    drawAugmentation(augmentation, offsets, plan, row * PLAN_COLUMNS + 1);
  }
  return plan;
}

function drawAugmentation(random: Random, offsets: number, plan: Int32Array, offset: number): void {
  plan[offset] = random.integer(offsets);
  plan[offset + 1] = random.integer(offsets);
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
