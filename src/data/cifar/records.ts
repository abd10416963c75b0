import { type RecordKind, recordBytes } from "../binary/records.js";
import type { ImageFormat } from "../dataset.js";

export const IMAGE_SIZE = 32;

/** CIFAR-100's format; random crop with padding 4 and random flip, as in the paper's code. */
export const CIFAR100_FORMAT = {
  height: IMAGE_SIZE,
  width: IMAGE_SIZE,
  channels: 3,
  normalization: { mean: [0.5071, 0.4867, 0.4408], deviation: [0.2675, 0.2565, 0.2761] },
  augmentation: { kind: "shift", padding: 4 },
} as const satisfies ImageFormat;

export const FINE_CLASSES = 100;
export const COARSE_CLASSES = 20;

/** A record of CIFAR-100: coarse label, fine label, 1,024 red, 1,024 green, 1,024 blue. */
export const CIFAR100_RECORD: RecordKind = {
  side: IMAGE_SIZE,
  labels: [
    { what: "coarse label", classes: COARSE_CLASSES },
    { what: "label", classes: FINE_CLASSES },
  ],
  own: 1,
};

export const RECORD_BYTES = recordBytes(CIFAR100_RECORD);

export const TRAIN_FILE = "train.bin";
export const TEST_FILE = "test.bin";
export const FINE_NAMES_FILE = "fine_label_names.txt";
export const COARSE_NAMES_FILE = "coarse_label_names.txt";
