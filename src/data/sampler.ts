import { createRandom, type Random } from "../common/random.js";
import { grouped } from "../common/text.js";
import { type Augmentation, cropOffsets, type Rotation, type Shift } from "./augmentation.js";
import { drawAngle } from "./rotation.js";

/** Of subsets: all trials of a sweep use the same images, and only initialisation, order and augmentation differ. */
const SUBSET_SEED = 20221128;

/** The class of each image, from 0. */
export type Labels = Uint8Array | Uint16Array;

/**
 * A class-balanced subset: no class has two images more than another, unless one has not enough. Which images, and
 * which classes get one more, is random but the same in every run; a smaller limit gives a subset of a larger one.
 * @param limit images wanted, at most all
 * @param name which set is divided ("train", "test"), so that both are drawn independently
 * @returns ascending indices into labels
 */
export function balancedSubset(labels: Labels, limit: number, name: string): Int32Array {
  const classes = shuffledClasses(labels, name);
  const chosen: number[] = [];
  const wanted = Math.min(limit, labels.length);
  for (let round = 0; chosen.length < wanted; round++) {
    for (const members of classes) {
      const index = members[round];
      if (index !== undefined && chosen.length < wanted) chosen.push(index);
    }
  }
  return Int32Array.from(chosen).sort();
}

/** The images of each class that occurs, in their order. */
export const imagesByClass = (labels: Labels): ReadonlyMap<number, readonly number[]> =>
  grouped(labels.keys(), (image) => labels[image] as number);

/** The images of each class that occurs, in random order, the classes in random order too. */
function shuffledClasses(labels: Labels, name: string): Int32Array[] {
  const members = imagesByClass(labels);
  const order = Int32Array.from(members.keys()).sort();
  createRandom(SUBSET_SEED, "subset classes", name).shuffle(order);
  return Array.from(order, (label) => {
    const images = Int32Array.from(members.get(label) ?? []);
    createRandom(SUBSET_SEED, "subset images", name, label).shuffle(images);
    return images;
  });
}

/**
 * Numbers per row of a plan: image index, crop y, crop x, flip. For a rotation: index, angle in parts of a degree
 * (rotation.ts), 0, flip. For a resized crop, which follows from the image's own size: index, epoch, 0, 0.
 */
export const PLAN_COLUMNS = 4;

/**
 * The sampler rows of one epoch, [count, 4] int32 (PLAN_COLUMNS): every image once, shuffled, with random crop (0 to
 * twice the padding) and flip. They depend only on the arguments, so a resumed run sees the same ones.
 * @param epoch from 1
 */
export function epochPlan(seed: number, epoch: number, count: number, augmentation: Augmentation): Int32Array {
  const order = Int32Array.from({ length: count }, (_, index) => index);
  createRandom(seed, "shuffle", epoch).shuffle(order);
  const plan = new Int32Array(count * PLAN_COLUMNS);
  const random = createRandom(seed, "augmentation", epoch);
  for (let row = 0; row < count; row++) {
    const at = row * PLAN_COLUMNS;
    plan[at] = order[row] as number;
    if (augmentation.kind === "resized crop") plan[at + 1] = epoch;
    else plan.set(drawAugmentation(random, augmentation), at + 1);
  }
  return plan;
}

/** Draws the numbers of a sampler row after the image's: y, x and flip of a crop, or angle, 0 and flip. */
export function drawAugmentation(random: Random, augmentation: Shift | Rotation): [number, number, number] {
  if (augmentation.kind === "rotation") return [drawAngle(random, augmentation), 0, random.integer(2)];
  const offsets = cropOffsets(augmentation);
  return [random.integer(offsets), random.integer(offsets), random.integer(2)];
}

/** The rows [from, to) of one batch. */
export type BatchRange = { readonly from: number; readonly to: number };

/** The batches of one pass over `count` rows: all of `batchSize` rows, and a last short one if any are left. */
export function batchRanges(count: number, batchSize: number): BatchRange[] {
  const batches = Math.ceil(count / batchSize);
  return Array.from({ length: batches }, (_, batch) => ({
    from: batch * batchSize,
    to: Math.min(count, (batch + 1) * batchSize),
  }));
}
