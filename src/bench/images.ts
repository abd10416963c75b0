import { createRandom } from "../common/random.js";
import { FINE_CLASSES, IMAGE_BYTES } from "../data/cifar/records.js";
import type { ImageSet } from "../data/dataset.js";

/** Random images with random labels: speed does not depend on what the images show. */
export function randomImages(count: number, seed: number): ImageSet {
  const random = createRandom(seed, "benchmark images");
  return {
    images: Uint8Array.from({ length: count * IMAGE_BYTES }, () => random.integer(256)),
    labels: Uint8Array.from({ length: count }, () => random.integer(FINE_CLASSES)),
    count,
    height: 32,
    width: 32,
    channels: 3,
  };
}
