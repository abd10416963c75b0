import { IMAGENET_PAIRS } from "../../distill/options.js";

/** READMEs and pages with figures; `protocol` and `exceptions` have their training settings. */
export const SOURCES = {
  RepDistiller: "https://github.com/HobbitLong/RepDistiller",
  mdistiller: "https://github.com/megvii-research/mdistiller",
  SimKD: "https://github.com/DefangChen/SimKD",
  ITRD: "https://github.com/roymiles/ITRD",
  TTM: "https://github.com/zkxufo/TTM",
  NORM: "https://github.com/OSVAI/NORM",
  LSKD: "https://github.com/sunshangquan/logit-standardization-KD",
  ICKD: "https://github.com/ADLab-AutoDrive/ICKD",
  LumiNet: "https://github.com/ismail31416/LumiNet",
  torchdistill: "https://github.com/yoshitomo-matsubara/torchdistill",
  torchvision: "https://docs.pytorch.org/vision/stable/models.html",
} as const;

export type Source = keyof typeof SOURCES;

export type Stated<T> = T | "unknown";

/** Training settings behind figures, as far as the source states or fixes them. */
export interface Protocol {
  /** In total, a first phase included. */
  readonly epochs: Stated<number>;
  /** Of a first phase. */
  readonly init_epochs?: number;
  readonly batch_size: Stated<number>;
  /** Initial. */
  readonly learning_rate: Stated<number>;
  readonly lr_decay_epochs: Stated<readonly number[]>;
  readonly lr_decay_rate: Stated<number>;
  readonly weight_decay: Stated<number>;
  readonly momentum: Stated<number>;
  /** The epoch whose test accuracy was published. */
  readonly counted: Stated<"last" | "best">;
}

/** Another protocol for some figures; omitted `methods`, `students` and `pairs` mean all. */
export interface Exception extends Partial<Protocol> {
  readonly methods?: readonly string[];
  readonly students?: readonly string[];
  readonly pairs?: readonly string[];
}

/** Figures with one protocol and exceptions; later exceptions win. */
type Trained = { readonly protocol: Protocol; readonly exceptions?: readonly Exception[] };

/** Test top-1 in percent for some pairs, from one source. */
export interface PublishedTable extends Trained {
  readonly source: Source;
  /** CIFAR-100 by default. */
  readonly dataset?: string;
  /** Each as TEACHER-STUDENT. */
  readonly pairs: readonly string[];
  /** By method or variant, one per pair in order; undefined if not published. */
  readonly top1: Readonly<Record<string, readonly (number | undefined)[]>>;
}

/** Pairs of one architecture family. */
const ALIKE = [
  "wrn_40_2-wrn_16_2",
  "wrn_40_2-wrn_40_1",
  "resnet56-resnet20",
  "resnet110-resnet20",
  "resnet110-resnet32",
  "resnet32x4-resnet8x4",
  "vgg13-vgg8",
] as const;

/** These, and pairs of two families. */
const PAIRS = [
  ...ALIKE,
  "vgg13-MobileNetV2",
  "ResNet50-MobileNetV2",
  "ResNet50-vgg8",
  "resnet32x4-ShuffleV1",
  "resnet32x4-ShuffleV2",
  "wrn_40_2-ShuffleV1",
] as const;

/** RepDistiller's train_student.py (CRD), whose comment says that figures are from the last epoch. */
const CRD: Protocol = {
  epochs: 240,
  batch_size: 64,
  learning_rate: 0.05,
  lr_decay_epochs: [150, 180, 210],
  lr_decay_rate: 0.1,
  weight_decay: 5e-4,
  momentum: 0.9,
  counted: "last",
};

/** These programs also keep the best epoch, and do not say which they print. */
const CRD_ANY: Protocol = { ...CRD, counted: "unknown" };

const LIGHT = ["MobileNetV2", "ShuffleV1", "ShuffleV2"];

/** In all code derived from RepDistiller's. */
const LIGHT_RATE: Exception = { students: LIGHT, learning_rate: 0.01 };

/** RepDistiller's with a first phase before the 240 epochs. */
const PHASED: Exception = { methods: ["abound", "factor", "fsp"], epochs: 270, init_epochs: 30 };

/** The paper's own figures: batches of 128, Nesterov's momentum, its own teachers. */
const REVIEWKD: readonly Exception[] = [
  { methods: ["reviewkd"], batch_size: 128, learning_rate: 0.1, counted: "unknown" },
  { methods: ["reviewkd"], students: LIGHT, learning_rate: 0.02 },
];

/** Configurations and logs: plain KD's 76.62 is the best epoch (log: last 76.28, best 76.66). */
const LSKD_EXCEPTIONS: readonly Exception[] = [
  LIGHT_RATE,
  { methods: ["ctkd"], counted: "unknown" },
  // MLLD's configurations have 240 or 480 epochs; which made the figures is not said.
  { methods: ["mlld"], epochs: "unknown", learning_rate: 0.025, counted: "unknown" },
  // Log of 78.28: last 78.17, best 78.28.
  { methods: ["lskd_mlkd"], epochs: 480, learning_rate: 0.025 },
  { methods: ["lskd_mlkd"], students: ["vgg8", ...LIGHT], learning_rate: 0.01 },
  { methods: ["lskd_mlkd"], pairs: ["resnet32x4-ShuffleV1", "resnet32x4-ShuffleV2"], epochs: 960 },
];

/** mdistiller's configurations for ImageNet. */
const IMAGENET: Protocol = {
  epochs: 100,
  batch_size: 512,
  learning_rate: 0.2,
  lr_decay_epochs: [30, 60, 90],
  lr_decay_rate: 0.1,
  weight_decay: 1e-4,
  momentum: 0.9,
  counted: "unknown",
};

/** torchvision's training script for ResNets, eight devices with batches of 32. */
const TORCHVISION: Protocol = { ...IMAGENET, epochs: 90, batch_size: 256, learning_rate: 0.1 };

/** Weights of unknown origin. */
const UNKNOWN: Protocol = {
  epochs: "unknown",
  batch_size: "unknown",
  learning_rate: "unknown",
  lr_decay_epochs: "unknown",
  lr_decay_rate: "unknown",
  weight_decay: "unknown",
  momentum: "unknown",
  counted: "unknown",
};

/** Not published. */
const _ = undefined;

/** Test top-1 in percent of models trained on labels: teachers, and students without one. */
export interface AloneTable extends Trained {
  readonly source: Source;
  readonly dataset: string;
  readonly top1: Readonly<Record<string, number>>;
}

const CIFAR100_ALONE: AloneTable["top1"] = {
  wrn_40_2: 75.61,
  wrn_16_2: 73.26,
  wrn_40_1: 71.98,
  resnet56: 72.34,
  resnet20: 69.06,
  resnet110: 74.31,
  resnet32: 71.14,
  resnet32x4: 79.42,
  resnet8x4: 72.5,
  vgg13: 74.64,
  vgg8: 70.36,
  MobileNetV2: 64.6,
  ResNet50: 79.34,
  ShuffleV1: 70.5,
  ShuffleV2: 71.82,
};

/** RepDistiller's README, and torchvision's first weights (IMAGENET1K_V1). */
export const ALONE: readonly AloneTable[] = [
  { source: "RepDistiller", dataset: "cifar100", protocol: CRD, exceptions: [LIGHT_RATE], top1: CIFAR100_ALONE },
  {
    source: "torchvision",
    dataset: "imagenet",
    protocol: TORCHVISION,
    exceptions: [{ students: ["densenet201"], ...UNKNOWN }],
    top1: { RESNET18: 69.76, RESNET34: 73.31, RESNET50: 76.13, densenet201: 76.9 },
  },
];

/** Published figures; no source was found for those of PEFD's tables (ours). */
export const PUBLISHED_TABLES: readonly PublishedTable[] = [
  {
    source: "RepDistiller",
    protocol: CRD,
    exceptions: [LIGHT_RATE, PHASED],
    pairs: PAIRS,
    top1: {
      kd: [74.92, 73.54, 70.66, 70.67, 73.08, 73.33, 72.98, 67.37, 67.35, 73.81, 74.07, 74.45, 74.83],
      hint: [73.58, 72.24, 69.21, 68.99, 71.06, 73.5, 71.02, 64.14, 63.16, 70.69, 73.59, 73.54, 73.73],
      attention: [74.08, 72.77, 70.55, 70.22, 72.31, 73.44, 71.43, 59.4, 58.58, 71.84, 71.73, 72.73, 73.32],
      similarity: [73.83, 72.43, 69.67, 70.04, 72.69, 72.94, 72.68, 66.3, 68.08, 73.34, 73.48, 74.56, 74.52],
      correlation: [73.56, 72.21, 69.63, 69.48, 71.48, 72.97, 70.71, 64.86, 65.43, 70.25, 71.14, 71.29, 71.38],
      vid: [74.11, 73.3, 70.38, 70.16, 72.61, 73.09, 71.23, 65.56, 67.57, 70.3, 73.38, 73.4, 73.61],
      rkd: [73.35, 72.22, 69.61, 69.25, 71.82, 71.9, 71.48, 64.52, 64.43, 71.5, 72.28, 73.21, 72.21],
      pkt: [74.54, 73.45, 70.34, 70.25, 72.61, 73.64, 72.88, 67.13, 66.52, 73.01, 74.1, 74.69, 73.89],
      abound: [72.5, 72.38, 69.47, 69.53, 70.98, 73.17, 70.94, 66.06, 67.2, 70.65, 73.55, 74.31, 73.34],
      factor: [73.25, 71.59, 69.84, 70.22, 72.37, 72.86, 70.58, 61.78, 60.99, 70.29, 71.75, 72.5, 72.03],
      fsp: [72.91, _, 69.95, 70.11, 71.89, 72.62, 70.23, _, _, _, _, _, _],
      nst: [73.68, 72.24, 69.6, 69.53, 71.96, 73.3, 71.53, 58.16, 64.96, 71.28, 74.12, 74.68, 74.89],
      crd: [75.48, 74.14, 71.16, 71.46, 73.48, 75.51, 73.94, 69.73, 69.11, 74.3, 75.11, 75.65, 76.05],
    },
  },
  {
    source: "mdistiller",
    protocol: CRD_ANY,
    exceptions: [LIGHT_RATE],
    pairs: PAIRS,
    top1: { dkd: [76.23, 74.81, 71.97, _, 74.11, 76.32, 74.68, 69.71, 70.35, _, 76.45, 77.07, 76.7] },
  },
  {
    source: "ITRD",
    protocol: CRD,
    exceptions: [LIGHT_RATE, ...REVIEWKD],
    pairs: PAIRS,
    top1: {
      reviewkd: [76.12, 75.09, 71.89, _, 73.89, 75.63, 74.85, 70.37, 69.89, _, 77.45, 77.78, 77.14],
      itrd: [76.12, 75.18, 71.47, 71.99, 74.26, 76.69, 74.93, 70.39, 71.34, 75.49, 76.69, 77.4, 77.09],
    },
  },
  {
    source: "TTM",
    protocol: CRD_ANY,
    exceptions: [LIGHT_RATE],
    pairs: PAIRS,
    top1: {
      dist: [75.51, 74.73, 71.75, 71.65, 73.69, 76.31, 73.89, 68.5, 68.66, 74.11, 76.34, 77.35, 76.4],
      ttm: [76.23, 74.32, 71.83, 71.46, 73.97, 76.17, 74.33, 68.98, 69.24, 74.87, 74.18, 76.57, 75.39],
      wttm: [76.37, 74.58, 71.92, 71.67, 74.13, 76.06, 74.44, 69.16, 69.59, 74.82, 74.37, 76.55, 75.42],
    },
  },
  {
    source: "NORM",
    protocol: CRD_ANY,
    exceptions: [LIGHT_RATE],
    pairs: PAIRS,
    top1: { norm: [75.65, 74.82, 71.35, 71.55, 73.67, 76.49, 73.95, 68.94, 70.56, 75.17, 77.42, 78.07, 77.06] },
  },
  {
    source: "LSKD",
    protocol: { ...CRD, counted: "best" },
    exceptions: LSKD_EXCEPTIONS,
    pairs: PAIRS,
    top1: {
      ctkd: [75.45, 73.93, 71.19, 70.99, 73.52, 73.39, 73.52, _, _, _, _, _, _],
      lskd_kd: [76.11, 74.37, 71.43, 71.48, 74.17, 76.62, 74.36, 68.61, 69.02, _, _, 75.56, _],
      lskd_dkd: [76.39, 74.89, 72.32, 71.85, 74.29, 77.01, 74.81, _, _, _, _, _, _],
      mlld: [76.63, 75.35, 72.19, 71.89, 74.11, 77.08, 75.18, _, _, _, _, _, _],
      lskd_mlkd: [76.95, 75.56, 72.33, 72.27, 74.32, 78.28, 75.22, 70.94, 71.19, _, _, 78.76, _],
    },
  },
  {
    // No training script is published; what the README's figures fix is not said.
    source: "LumiNet",
    protocol: UNKNOWN,
    pairs: [...ALIKE, "wrn_40_2-ShuffleV1"],
    top1: { luminet: [76.38, 75.12, 72.29, _, 74.2, 77.5, 74.94, 76.95] },
  },
  { source: "ICKD", protocol: CRD, pairs: ALIKE, top1: { ickd: [75.64, 74.33, 71.76, 71.68, 73.89, 75.25, 73.42] } },
  {
    source: "SimKD",
    protocol: CRD_ANY,
    pairs: ["resnet32x4-resnet8x4"],
    top1: { srrl: [75.39], semckd: [76.23], simkd: [78.08] },
  },
  {
    source: "mdistiller",
    protocol: CRD_ANY,
    exceptions: [LIGHT_RATE],
    pairs: ["resnet32x4-resnet8x4", "vgg13-vgg8", "resnet32x4-ShuffleV2"],
    top1: { dot: [75.12, 73.77, 75.55] },
  },
  {
    // The paper's; mdistiller has 71.03.
    source: "torchdistill",
    dataset: "imagenet",
    pairs: ["RESNET34-RESNET18"],
    protocol: { ...IMAGENET, batch_size: 256, learning_rate: 0.1 },
    top1: { kd: [71.37] },
  },
  {
    source: "mdistiller",
    dataset: "imagenet",
    pairs: IMAGENET_PAIRS,
    protocol: IMAGENET,
    top1: { dkd: [71.7, 72.05], dot: [71.72, 73.09] },
  },
  {
    source: "mdistiller",
    dataset: "imagenet",
    pairs: ["RESNET50-MobileNet"],
    protocol: IMAGENET,
    top1: { kd: [70.5] },
  },
];
