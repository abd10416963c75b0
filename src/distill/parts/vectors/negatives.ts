import { choose, MOST_ELEMENTS } from "../../../common/choose.js";
import { inputError } from "../../../common/errors.js";
import type { Draws } from "../../method.js";

/** Places of the images that are not of a class, in order. */
function imagesOfOthers(labels: ArrayLike<number>, label: number): Int32Array {
  const others = new Int32Array(labels.length);
  let count = 0;
  for (let image = 0; image < labels.length; image++) {
    if (labels[image] !== label) others[count++] = image;
  }
  if (count > 0) return others.slice(0, count);
  throw inputError(
    "All training images are of one class: there is none of another class to tell them from.",
    "Take a larger --limit_train, or a method without negatives.",
  );
}

/** The same for any class, found once for each. */
function othersByClass(labels: ArrayLike<number>): (label: number) => Int32Array {
  const found = new Map<number, Int32Array>();
  return (label) => {
    const others = found.get(label) ?? imagesOfOthers(labels, label);
    found.set(label, others);
    return others;
  };
}

/**
 * Draws for each image of a batch so many images of other classes, none twice where there are enough: `negatives`,
 * [N, count]. Each image has its own stream in each epoch.
 * @param labels of the training images
 * @throws inputError for more images than are drawn from, or none of another class
 */
export function negativeDraws(labels: ArrayLike<number>, count: number): Draws {
  if (labels.length > MOST_ELEMENTS) {
    throw inputError(
      `Negatives are drawn from at most ${MOST_ELEMENTS.toLocaleString("en")} training images, and there are more.`,
      "Take a --limit_train, or a method without negatives.",
    );
  }
  const othersOf = othersByClass(labels);
  const list = new Int32Array(labels.length);
  return {
    specs: (images) => ({ negatives: { shape: [images, count], dtype: "int32" } }),
    values({ seed, epoch, image }) {
      const negatives = new Int32Array(image.length * count);
      for (const [row, place] of image.entries()) {
        const others = othersOf(labels[place] as number);
        list.set(others);
        const out = negatives.subarray(row * count, (row + 1) * count);
        choose(list.subarray(0, others.length), out, seed, "negatives", epoch, place);
      }
      return { negatives };
    },
  };
}
