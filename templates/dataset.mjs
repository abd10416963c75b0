// A data set of your own. It works unchanged:
//
//   pefd train-teacher --plugin NAME.mjs --dataset NAME --model resnet8
//   node --test NAME.test.mjs
//
// This example generates noisy stripes of ten widths. Load your own files in `read`.

import { createRandom, datasetInMemory, definePlugin } from "pefd/plugin";

const CLASSES = 10;
const SIDE = 32;

/** Stripes, wider from class to class. @param purpose seeds the noise */
function stripes(count, purpose) {
  const random = createRandom(1, "NAME", purpose);
  const labels = Uint8Array.from({ length: count }, (_, i) => i % CLASSES);
  const images = new Uint8Array(count * SIDE * SIDE * 3);
  for (let image = 0; image < count; image++) {
    const shift = random.integer(SIDE);
    for (let pixel = 0; pixel < SIDE * SIDE; pixel++) {
      const bright = Math.floor(((pixel % SIDE) + shift) / (1 + labels[image])) % 2;
      const at = 3 * (image * SIDE * SIDE + pixel);
      images.fill(60 + 120 * bright + random.integer(40), at, at + 3);
    }
  }
  return { images, labels };
}

const dataset = datasetInMemory({
  // The name for --dataset, and a title for messages.
  name: "NAME",
  title: "Stripes",
  classNames: Array.from({ length: CLASSES }, (_, label) => `${label + 1} pixels`),

  // Image format and training augmentation.
  format: {
    height: SIDE,
    width: SIDE,
    channels: 3,
    // Per-channel mean and standard deviation (RGB, values in [0, 1]).
    normalization: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
    // Random crop with this zero padding, and random horizontal flip.
    augmentation: { kind: "shift", padding: 2 },
  },

  // Option defaults for this data set; command-line flags override them.
  defaults: { data: ".", batch_size: 16, epochs: 2 },

  // All images of both splits as uint8 in NHWC order, and their class indices. `folder` is the value of --data, unused here.
  read: (_folder) => ({ train: stripes(200, "train"), test: stripes(100, "test") }),
});

export default definePlugin({ datasets: [dataset] });
