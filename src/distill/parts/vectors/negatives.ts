import { inputError } from "../../../common/errors.js";
import { createRandom, type Random } from "../../../common/random.js";
import type { Draws } from "../../method.js";

/** Places of the images that are not of a class, by class. */
function imagesOfOthers(labels: ArrayLike<number>): ReadonlyMap<number, Int32Array> {
  const all = Array.from(labels);
  return new Map(
    Array.from(new Set(all), (label) => [
      label,
      Int32Array.from(all.flatMap((other, image) => (other === label ? [] : [image]))),
    ]),
  );
}

/**
 * Some of a list's elements in random order, none twice where there are enough; written to `out`. The list is as before
 * in the end.
 */
function take(from: Int32Array, random: Random, out: Int32Array): void {
  if (out.length > from.length) {
    for (let i = 0; i < out.length; i++) out[i] = from[random.integer(from.length)] as number;
    return;
  }
  const swapped = new Int32Array(out.length);
  const swap = (a: number, b: number) => {
    const value = from[a] as number;
    from[a] = from[b] as number;
    from[b] = value;
  };
  for (let i = 0; i < out.length; i++) {
    const chosen = i + random.integer(from.length - i);
    swapped[i] = chosen;
    swap(i, chosen);
    out[i] = from[i] as number;
  }
  for (let i = out.length - 1; i >= 0; i--) swap(i, swapped[i] as number);
}

/**
 * Draws for each image of a batch so many images of other classes: `negatives`, [N, count]. Each image has its own stream
 * in each epoch.
 * @param labels of the training images
 */
export function negativeDraws(labels: ArrayLike<number>, count: number): Draws {
  const others = imagesOfOthers(labels);
  return {
    specs: (images) => ({ negatives: { shape: [images, count], dtype: "int32" } }),
    values({ seed, epoch, image }) {
      const negatives = new Int32Array(image.length * count);
      for (const [row, place] of image.entries()) {
        const from = others.get(labels[place] as number) as Int32Array;
        if (from.length === 0) {
          throw inputError(
            "All training images are of one class: there is none of another class to tell them from.",
            "Take a larger --limit_train, or a method without negatives.",
          );
        }
        const random = createRandom(seed, "negatives", epoch, place);
        take(from, random, negatives.subarray(row * count, (row + 1) * count));
      }
      return { negatives };
    },
  };
}
