import { resnet, resnetInitialization } from "./resnet.js";
import type { ModelRow } from "./types.js";

const NARROW = [16, 16, 32, 64] as const;
const WIDE = [32, 64, 128, 256] as const;

const row = (name: string, depth: number, widths: typeof NARROW | typeof WIDE): ModelRow => ({
  name,
  family: "resnet",
  paper: "He et al., Deep Residual Learning for Image Recognition, CVPR 2016",
  architecture: resnet(depth, widths),
  initialization: resnetInitialization,
});

/** The CIFAR ResNets of the paper. */
export const RESNET_ROWS: readonly ModelRow[] = [
  row("resnet8", 8, NARROW),
  row("resnet14", 14, NARROW),
  row("resnet20", 20, NARROW),
  row("resnet32", 32, NARROW),
  row("resnet44", 44, NARROW),
  row("resnet56", 56, NARROW),
  row("resnet110", 110, NARROW),
  row("resnet8x4", 8, WIDE),
  row("resnet32x4", 32, WIDE),
];
