import { realData } from "../../data/cifar/recordFiles.js";
import { sharedPath } from "../../helpers/paths.js";

/** A checkpoint that PyTorch trained, and what PyTorch makes of it in float32 on all 10,000 test images. */
export interface Reference {
  readonly model: string;
  /** Below the folder of reference material. */
  readonly file: string;
  readonly top1: number;
  readonly top5: number;
  readonly loss: number;
}

/** The teacher, and the student that `ours` made of it. */
export const REFERENCES: readonly Reference[] = [
  {
    model: "resnet32x4",
    file: "reference/resnet32x4_vanilla/ckpt_epoch_240.pth",
    top1: 79.42,
    top5: 94.75,
    loss: 0.85413,
  },
  {
    model: "resnet8x4",
    file: "reference/resnet8x4_ours/ckpt_epoch_240.pth",
    top1: 76.3,
    top5: 94.44,
    loss: 0.84207,
  },
];

/** Why a test of them must be skipped, or false where checkpoints and real images are there. */
export function noReferences(): string | false {
  if (REFERENCES.some(({ file }) => sharedPath(file) === undefined))
    return "the reference checkpoints are not beside the project";
  return realData() === undefined && "PEFD_REAL_DATA names no folder of the real CIFAR-100";
}
