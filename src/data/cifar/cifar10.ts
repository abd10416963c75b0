import { recordRow } from "../binary/recordRow.js";
import { isAsFetched } from "../fetch/fetchArchive.js";
import { classNames } from "../synthetic/patterns.js";

const CLASSES = 10;
const SIDE = 32;
const MD5 = "c32a1d4ab5d03f1284b67883e8d87530";

/** CIFAR-10 (Krizhevsky 2009) in its author's binary version. */
export const CIFAR10 = recordRow({
  name: "cifar10",
  called: "cifar10",
  title: "CIFAR-10",
  // Augmented like CIFAR-100. Mean and standard deviation over all training pixels.
  format: {
    height: SIDE,
    width: SIDE,
    channels: 3,
    normalization: { mean: [0.4914, 0.4822, 0.4465], deviation: [0.247, 0.2435, 0.2616] },
    augmentation: { kind: "shift", padding: 4 },
  },
  // A label, 1,024 red, 1,024 green, 1,024 blue.
  kind: { side: SIDE, labels: [{ what: "label", classes: CLASSES }], own: 0 },
  train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
  trainCalled: "data_batch_1.bin to data_batch_5.bin",
  test: "test_batch.bin",
  names: [["batches.meta.txt", classNames(CLASSES)]],
  archive: {
    url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    md5: MD5,
    folder: "cifar-10-batches-bin",
    recorded: true,
  },
  defaults: { data: "data/cifar-10-batches-bin" },
  isOfficial: (directory, files) => isAsFetched(directory, files, MD5),
  labelsOf: (label) => [label],
});
