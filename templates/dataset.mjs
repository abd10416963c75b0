// A data set of your own. Try it as it is:
//
//   pefd train-teacher --plugin NAME.mjs --dataset NAME --model resnet8
//   node --test NAME.test.mjs
//
// It begins as noisy stripes of ten widths, made where they are needed. Read your own files in `read`.

import { createRandom, datasetInMemory, definePlugin } from "pefd/plugin";

const CLASSES = 10;
const SIDE = 32;

/** Stripes, wider from class to class. @param purpose another word gives other images */
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
  // What people type after --dataset, and what they call it.
  name: "NAME",
  title: "Stripes",
  classNames: Array.from({ length: CLASSES }, (_, label) => `${label + 1} pixels`),

  // What the images are like, and what training does to them.
  format: {
    height: SIDE,
    width: SIDE,
    channels: 3,
    // Mean and deviation of red, green and blue, of values from 0 to 1.
    normalization: { mean: [0.5, 0.5, 0.5], deviation: [0.25, 0.25, 0.25] },
    // A shift by up to so many pixels, and mirror images.
    augmentation: { kind: "shift", padding: 2 },
  },

  // Defaults of options that are others for this data set; flags win over them.
  defaults: { data: ".", batch_size: 16, epochs: 2 },

  // All images of both halves: one byte per value, red, green and blue of a pixel beside each other, row by row; and the
  // class of each, from 0. `folder` is what --data names; it is not needed here.
  read: (_folder) => ({ train: stripes(200, "train"), test: stripes(100, "test") }),
});

export default definePlugin({ datasets: [dataset] });
