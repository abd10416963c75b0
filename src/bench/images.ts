import { createRandom } from "../common/random.js";
import { CIFAR100 } from "../data/cifar/row.js";
import type { ImagesInMemory } from "../data/dataset.js";
import { valuesOf } from "../data/hostBatch.js";
import type { ImageKind } from "./types.js";

/** As CIFAR-100's images are. */
export const CIFAR100_KIND: ImageKind = {
  side: CIFAR100.format.height,
  classes: CIFAR100.classes,
};

/** Labels are bytes; which they are does not matter to speed either. */
const LABELS = 256;

/** Random images, with random labels: speed does not depend on what the images show. @param kind CIFAR-100's if left out */
export function randomImages(
  count: number,
  seed: number,
  { side, classes }: ImageKind = CIFAR100_KIND,
): ImagesInMemory {
  const format = { ...CIFAR100.format, height: side, width: side };
  const random = createRandom(seed, "benchmark images");
  return {
    images: Uint8Array.from({ length: count * valuesOf(format) }, () => random.integer(256)),
    labels: Uint8Array.from({ length: count }, () => random.integer(Math.min(classes, LABELS))),
    count,
    kind: "memory",
    ...format,
  };
}
