import { join } from "node:path";
import { recordRow } from "../binary/recordRow.js";
import { type RecordKind, recordBytes } from "../binary/records.js";
import type { ImageFormat } from "../dataset.js";
import { classNames, kindNames } from "../synthetic/patterns.js";

const SIDE = 32;
const CLASSES = 100;
const COARSE_CLASSES = 20;

/** CIFAR-100's format; random crop with padding 4 and random flip, as in the paper's code. */
export const CIFAR100_FORMAT = {
  height: SIDE,
  width: SIDE,
  channels: 3,
  normalization: { mean: [0.5071, 0.4867, 0.4408], deviation: [0.2675, 0.2565, 0.2761] },
  augmentation: { kind: "shift", padding: 4 },
} as const satisfies ImageFormat;

/** A record of CIFAR-100: coarse label, fine label, 1,024 red, 1,024 green, 1,024 blue. */
export const CIFAR100_RECORD: RecordKind = {
  side: SIDE,
  labels: [
    { what: "coarse label", classes: COARSE_CLASSES },
    { what: "label", classes: CLASSES },
  ],
  own: 1,
};

/** contentSha256 of the two files of CIFAR-100: 50,000 and 10,000 records. */
const OFFICIAL_CONTENT: Readonly<Record<string, string>> = {
  "train.bin": "ad6f8b3f27b80cb26c34ea8d0693fdf47cb7ad89d0d51034ccab1eca5d33d405",
  "test.bin": "f6556ddfe5daabecac8e1b4b2986020abaffc5b7934f88f040d5fc07eaa7307f",
};

/** Training reads fine labels only, but a fine class with two coarse ones is a sign of a damaged file. */
function coarseProblems(path: string, records: Uint8Array): string[] {
  const coarseOf = new Map<number, number>();
  const size = recordBytes(CIFAR100_RECORD);
  for (let offset = 0; offset < records.length; offset += size) {
    const [coarse = 0, fine = 0] = records.subarray(offset, offset + 2);
    const record = offset / size + 1;
    if (coarse >= COARSE_CLASSES) {
      return [`${path} has the coarse label ${coarse} in record ${record}, expected 0 to 19.`];
    }
    const earlier = coarseOf.get(fine) ?? coarse;
    if (earlier !== coarse) {
      return [
        `${path} gives the fine label ${fine} the coarse label ${earlier} at first and ${coarse} in ` +
          `record ${record}.`,
      ];
    }
    coarseOf.set(fine, coarse);
  }
  return [];
}

/** CIFAR-100 (Krizhevsky 2009) in its author's binary version. */
export const CIFAR100 = {
  ...recordRow({
    name: "cifar100",
    title: "CIFAR-100",
    format: CIFAR100_FORMAT,
    kind: CIFAR100_RECORD,
    train: ["train.bin"],
    trainCalled: "train.bin",
    test: "test.bin",
    names: [
      ["fine_label_names.txt", classNames(CLASSES)],
      ["coarse_label_names.txt", kindNames()],
    ],
    archive: {
      url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
      md5: "03b5dce01913d631647c71ecec9e9cb8",
      folder: "cifar-100-binary",
    },
    defaults: {},
    isOfficial: (_, files) => files.every((f) => f.contentSha256 === OFFICIAL_CONTENT[f.file]),
    problemsOf: coarseProblems,
    labelsOf: (label) => [Math.floor((label * COARSE_CLASSES) / CLASSES), label],
  }),
  publishedTeacher: (model: string) => join(`${model}_vanilla`, "ckpt_epoch_240.pth"),
};
