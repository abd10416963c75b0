import { relu } from "../nn/activation.js";
import type { ModelBuilder } from "../nn/builder.js";
import { linear } from "../nn/layers.js";
import { maxPool } from "../nn/pool.js";
import { type BlockKind, convolutionUnit, type Layer, residualStage, stagedForward } from "./residual.js";
import type { Architecture } from "./types.js";

/** Differences between the paper's two kinds of four-stage ResNets. */
export interface DeepResnetKind {
  readonly stem: (builder: ModelBuilder) => Layer;
  /** Names in the state_dict. */
  readonly shortcutName: string;
  readonly classifierName: string;
  /** Whether the feature list of preact=True holds the sums before the last ReLU. */
  readonly hasPreact: boolean;
}

const STEM_WIDTH = 64;
const STAGE_WIDTHS = [64, 128, 256, 512] as const;

/** For 32x32 images: a 3x3 stem that keeps the size. */
export const CIFAR_KIND: DeepResnetKind = {
  stem: (builder) => {
    const options = { inputs: 3, outputs: STEM_WIDTH, kernel: 3, stride: 1 };
    const conv = convolutionUnit(builder, "conv1", "bn1", options);
    return (x, context) => relu(conv(x, context));
  },
  shortcutName: "shortcut",
  classifierName: "linear",
  hasPreact: true,
};

/** torchvision's, for 224x224 images: a 7x7 stem of stride 2, then max pooling. */
export const IMAGENET_KIND: DeepResnetKind = {
  stem: (builder) => {
    const options = { inputs: 3, outputs: STEM_WIDTH, kernel: 7, stride: 2 };
    const conv = convolutionUnit(builder, "conv1", "bn1", options);
    const pool = { kernel: 3, stride: 2, padding: 1 };
    return (x, context) => maxPool(relu(conv(x, context)), pool);
  },
  shortcutName: "downsample",
  classifierName: "fc",
  hasPreact: false,
};

export type DeepBlocks = readonly [number, number, number, number];

/** ResNet of four stages (He et al. 2016, table 1). @param blocks how many in each stage */
export const deepResnet =
  (kind: DeepResnetKind, block: BlockKind, blocks: DeepBlocks): Architecture =>
  (builder, numClasses) => {
    const stem = kind.stem(builder);
    let channels = STEM_WIDTH;
    const stages = STAGE_WIDTHS.map((width, i) => {
      const place = { name: `layer${i + 1}`, inputs: channels, width, stride: i === 0 ? 1 : 2 };
      channels = width * block.expansion;
      return residualStage(builder, block, blocks[i] as number, place, kind.shortcutName);
    });
    const classifier = linear(builder, kind.classifierName, channels, numClasses);
    const forward = stagedForward(stem, stages, classifier, kind.hasPreact);
    const norms = blocks.map((count, i) => `layer${i + 1}.${count - 1}.${block.lastNorm}`);
    return { featureSize: channels, ...(kind.hasPreact && { norms }), forward };
  };
