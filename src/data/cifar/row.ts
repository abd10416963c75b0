import { join } from "node:path";
import { namesFrom } from "../binary/classNames.js";
import type { DatasetRow } from "../dataset.js";
import { cifar100Ahead, cifar100Files, loadCifar100, loadTestSet } from "./cifar100.js";
import {
  CIFAR100_FORMAT,
  COARSE_NAMES_FILE,
  FINE_CLASSES,
  FINE_NAMES_FILE,
  TEST_FILE,
  TRAIN_FILE,
} from "./records.js";
import { synthesize } from "./synthetic.js";
import { verifyCifar100 } from "./verify.js";

/** CIFAR-100 (Krizhevsky 2009) in its author's binary version. */
export const CIFAR100 = {
  name: "cifar100",
  title: "CIFAR-100",
  classes: FINE_CLASSES,
  format: CIFAR100_FORMAT,
  evaluation: "as is",
  publishedTeacher: (model) => join(`${model}_vanilla`, "ckpt_epoch_240.pth"),
  defaults: {},
  archive: {
    url: "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    md5: "03b5dce01913d631647c71ecec9e9cb8",
    folder: "cifar-100-binary",
    members: [TRAIN_FILE, TEST_FILE, FINE_NAMES_FILE, COARSE_NAMES_FILE],
  },
  filesAhead: cifar100Ahead,
  open: loadCifar100,
  openTest: (folder, limitTest) => ({
    name: "cifar100",
    numClasses: FINE_CLASSES,
    test: loadTestSet(folder, limitTest),
  }),
  files: cifar100Files,
  classNames: (folder) => namesFrom(join(folder, FINE_NAMES_FILE), FINE_CLASSES),
  synthesize,
  verify: verifyCifar100,
} as const satisfies DatasetRow;
