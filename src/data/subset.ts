import { createRandom } from "../common/random.js";

/**
 * Subsets have a seed of their own: every trial of a sweep, whatever its seed, then trains and is tested
 * on the same images, and only initialisation, order and augmentation differ.
 */
const SUBSET_SEED = 20221128;

/** The class of each image, from 0. */
export type Labels = Uint8Array | Uint16Array;

/**
 * A class-balanced subset: no class has more than one image more than another, unless a class has not
 * enough. Which images, and which classes get one more where the limit is not a multiple of the number
 * of classes, is random but the same in every run. A smaller limit gives a subset of a larger one.
 * @param labels [count] the label of each image
 * @param limit images wanted, at most `count`
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

/** The images of each class that occurs, in random order, the classes in random order too. */
function shuffledClasses(labels: Labels, name: string): Int32Array[] {
  const members = new Map<number, number[]>();
  for (const [index, label] of labels.entries()) {
    const known = members.get(label);
    if (known) known.push(index);
    else members.set(label, [index]);
  }
  const order = Int32Array.from(members.keys()).sort();
  createRandom(SUBSET_SEED, "subset classes", name).shuffle(order);
  return Array.from(order, (label) => {
    const images = Int32Array.from(members.get(label) ?? []);
    createRandom(SUBSET_SEED, "subset images", name, label).shuffle(images);
    return images;
  });
}
