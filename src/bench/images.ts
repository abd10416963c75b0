import { createRandom } from "../common/random.js";
import { CIFAR100 } from "../data/cifar/row.js";
import type { ImagesInMemory } from "../data/dataset.js";
import { valuesOf } from "../data/hostBatch.js";

/** Random images like those of CIFAR-100, with random labels: speed does not depend on what the images show. */
export function randomImages(count: number, seed: number): ImagesInMemory {
  const { format, classes } = CIFAR100;
  const random = createRandom(seed, "benchmark images");
  return {
    images: Uint8Array.from({ length: count * valuesOf(format) }, () => random.integer(256)),
    labels: Uint8Array.from({ length: count }, () => random.integer(classes)),
    count,
    kind: "memory",
    ...format,
  };
}
