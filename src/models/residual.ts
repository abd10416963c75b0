import { relu } from "../nn/activation.js";
import type { ModelBuilder } from "../nn/builder.js";
import { normalizedConvolution } from "../nn/fold.js";
import { batchNorm, convolution } from "../nn/layers.js";
import { type ForwardContext, insertedAt, type ModelOutput, plainMap } from "../nn/model.js";
import { globalAveragePool } from "../nn/pool.js";
import { type Tensor2D, type Tensor4D, tf } from "../runtime/tf.js";

/** A map before its last ReLU, and after. */
export type Activated = { readonly sum: Tensor4D; readonly out: Tensor4D };

export type Layer = (x: Tensor4D, context: ForwardContext) => Tensor4D;
type Block = (x: Tensor4D, context: ForwardContext) => Activated;

export interface BlockPlace {
  readonly name: string;
  readonly inputs: number;
  /** Channels of the 3x3 convolutions. */
  readonly width: number;
  readonly stride: number;
}

export interface BlockKind {
  /** Channels out per channel of the 3x3 convolutions. */
  readonly expansion: number;
  /** Name of the branch's last batch normalisation. */
  readonly lastNorm: string;
  /** The branch beside the shortcut, without the last ReLU. */
  readonly branch: (builder: ModelBuilder, place: BlockPlace) => Layer;
}

/** Convolution and batch normalisation without bias; padded so that stride 1 keeps the size. */
export interface UnitOptions {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  readonly depthwise?: boolean;
  readonly groups?: number;
}

/** A convolution and its batch normalisation under the given names. */
export function convolutionUnit(builder: ModelBuilder, conv: string, bn: string, options: UnitOptions): Layer {
  const layer = convolution(builder, conv, { ...options, padding: (options.kernel - 1) / 2 });
  return normalizedConvolution(builder, layer, batchNorm(builder, bn, options.outputs));
}

/** The units NAME.conv1 with NAME.bn1, NAME.conv2 with NAME.bn2 and so on. */
export const numberedUnits =
  (builder: ModelBuilder, name: string) =>
  (n: number, options: UnitOptions): Layer =>
    convolutionUnit(builder, `${name}.conv${n}`, `${name}.bn${n}`, options);

/** Two 3x3 convolutions (He et al. 2016, figure 5 left). */
export const BASIC: BlockKind = {
  expansion: 1,
  lastNorm: "bn2",
  branch: (builder, { name, inputs, width, stride }) => {
    const unit = numberedUnits(builder, name);
    const first = unit(1, { inputs, outputs: width, kernel: 3, stride });
    const second = unit(2, { inputs: width, outputs: width, kernel: 3, stride: 1 });
    return (x, context) => second(relu(first(x, context)), context);
  },
};

/** 1x1, 3x3 and 1x1 (figure 5 right); the stride is the 3x3's, as in torchvision. */
export const BOTTLENECK: BlockKind = {
  expansion: 4,
  lastNorm: "bn3",
  branch: (builder, { name, inputs, width, stride }) => {
    const unit = numberedUnits(builder, name);
    const first = unit(1, { inputs, outputs: width, kernel: 1, stride: 1 });
    const second = unit(2, { inputs: width, outputs: width, kernel: 3, stride });
    const third = unit(3, { inputs: width, outputs: 4 * width, kernel: 1, stride: 1 });
    return (x, context) => third(relu(second(relu(first(x, context)), context)), context);
  },
};

/** A block: its branch plus the shortcut, which is a 1x1 convolution where the shape changes. */
function residualBlock(builder: ModelBuilder, kind: BlockKind, place: BlockPlace, shortcutName: string): Block {
  const { name, inputs, width, stride } = place;
  const outputs = width * kind.expansion;
  const branch = kind.branch(builder, place);
  const prefix = `${name}.${shortcutName}`;
  const shortcut: Layer =
    stride !== 1 || inputs !== outputs
      ? convolutionUnit(builder, `${prefix}.0`, `${prefix}.1`, { inputs, outputs, kernel: 1, stride })
      : (x) => x;
  return (x, context) => {
    const sum = tf.add(branch(x, context), shortcut(x, context)) as Tensor4D;
    return { sum, out: relu(sum) };
  };
}

/** A row of blocks of one width; only the first has the place's stride. */
export function residualStage(
  builder: ModelBuilder,
  kind: BlockKind,
  blocks: number,
  place: BlockPlace,
  shortcutName: string,
): Block {
  const outputs = place.width * kind.expansion;
  const layers = Array.from({ length: blocks }, (_, i) => {
    const name = `${place.name}.${i}`;
    const here = i === 0 ? { ...place, name } : { ...place, name, inputs: outputs, stride: 1 };
    return residualBlock(builder, kind, here, shortcutName);
  });
  return (x, context) => {
    let last: Activated = { sum: x, out: x };
    for (const layer of layers) last = layer(last.out, context);
    return last;
  };
}

/** The end of a forward pass: inserted layers, the mean over the last map, and logits. */
export function classified(map: Tensor4D, context: ForwardContext, classifier: (pooled: Tensor2D) => Tensor2D) {
  const { out, ...inserted } = insertedAt(map, context);
  const pooled = globalAveragePool(out);
  return { pooled, logits: classifier(pooled), ...inserted };
}

/** The forward pass of a stem, stages and a classifier. @param preact whether maps keep the sums before their ReLU */
export const stagedForward =
  (stem: Layer, stages: readonly Block[], classifier: (pooled: Tensor2D) => Tensor2D, preact = true) =>
  (images: Tensor4D, context: ForwardContext): ModelOutput => {
    const first = stem(images, context);
    const maps: Activated[] = [];
    for (const stage of stages) maps.push(stage(maps.at(-1)?.out ?? first, context));
    const end = classified((maps.at(-1) as Activated).out, context, classifier);
    const features = maps.map(({ sum, out }) => ({ out, beforeRelu: preact ? sum : out }));
    return { stem: plainMap(first), maps: features, ...end };
  };
