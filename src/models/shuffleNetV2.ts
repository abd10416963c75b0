import { relu } from "../nn/activation.js";
import type { ModelBuilder } from "../nn/builder.js";
import { channelShuffle } from "../nn/convolution/shuffle.js";
import { linear } from "../nn/layers.js";
import { type FeatureMap, type ForwardContext, type ModelOutput, plainMap } from "../nn/model.js";
import { type Tensor4D, tf } from "../runtime/tf.js";
import { classified, convolutionUnit, numberedUnits, type UnitOptions } from "./residual.js";
import type { Architecture } from "./types.js";

type Block = (x: Tensor4D, context: ForwardContext) => FeatureMap;

const STEM_CHANNELS = 24;

/** Blocks of each stage after the one that halves height and width. */
const BLOCKS = [3, 7, 3] as const;

/** Channels of the three stages and of the last convolution. */
export type ShuffleWidths = readonly [number, number, number, number];

/** Two branches beside each other, shuffled; `beforeRelu` is not shuffled, as in the reference. */
const joined = (left: Tensor4D, branch: Tensor4D, beside = left): FeatureMap => ({
  out: channelShuffle(tf.concat([left, relu(branch)], 3) as Tensor4D, 2),
  beforeRelu: tf.concat([beside, branch], 3) as Tensor4D,
});

/** Half of the channels as they are, the other half through 1x1, 3x3 depthwise and 1x1 (figure 3c). */
function keepingBlock(builder: ModelBuilder, name: string, channels: number): Block {
  const half = channels / 2;
  const unit = numberedUnits(builder, name);
  const pointwise = { inputs: half, outputs: half, kernel: 1, stride: 1 };
  const first = unit(1, pointwise);
  const spatial = unit(2, { ...pointwise, kernel: 3, depthwise: true });
  const last = unit(3, pointwise);
  return (x, context) => {
    const [left, right] = tf.split(x, 2, 3) as [Tensor4D, Tensor4D];
    const branch = last(spatial(relu(first(right, context)), context), context);
    return joined(left, branch);
  };
}

/** All channels through two branches, each of which halves height and width (figure 3d). */
function halvingBlock(builder: ModelBuilder, name: string, inputs: number, outputs: number): Block {
  const half = outputs / 2;
  const unit = numberedUnits(builder, name);
  const spatial = (channels: number): UnitOptions => ({
    inputs: channels,
    outputs: channels,
    kernel: 3,
    stride: 2,
    depthwise: true,
  });
  const pointwise = (channels: number): UnitOptions => ({ inputs: channels, outputs: half, kernel: 1, stride: 1 });
  const left1 = unit(1, spatial(inputs));
  const left2 = unit(2, pointwise(inputs));
  const right1 = unit(3, pointwise(inputs));
  const right2 = unit(4, spatial(half));
  const right3 = unit(5, pointwise(half));
  return (x, context) => {
    const left = left2(left1(x, context), context);
    const right = right3(right2(relu(right1(x, context)), context), context);
    return joined(relu(left), right, left);
  };
}

/** ShuffleNetV2 for 32x32 images (Ma et al. 2018), as RepDistiller has it: a 1x1 stem of stride 1. */
export const shuffleNetV2 =
  (widths: ShuffleWidths): Architecture =>
  (builder, numClasses) => {
    const stem = convolutionUnit(builder, "conv1", "bn1", { inputs: 3, outputs: STEM_CHANNELS, kernel: 1, stride: 1 });
    const stages = BLOCKS.map((blocks, i) => {
      const [name, channels] = [`layer${i + 1}`, widths[i] as number];
      const inputs = i === 0 ? STEM_CHANNELS : (widths[i - 1] as number);
      return [
        halvingBlock(builder, `${name}.0`, inputs, channels),
        ...Array.from({ length: blocks }, (_, j) => keepingBlock(builder, `${name}.${j + 1}`, channels)),
      ];
    });
    const [, , inputs, featureSize] = widths;
    const last = convolutionUnit(builder, "conv2", "bn2", { inputs, outputs: featureSize, kernel: 1, stride: 1 });
    const classifier = linear(builder, "linear", featureSize, numClasses);
    const forward = (images: Tensor4D, context: ForwardContext): ModelOutput => {
      const first = plainMap(relu(stem(images, context)));
      const maps: FeatureMap[] = [];
      let map = first;
      for (const stage of stages) {
        for (const block of stage) map = block(map.out, context);
        maps.push(map);
      }
      return { stem: first, maps, ...classified(relu(last(map.out, context)), context, classifier) };
    };
    return { featureSize, forward };
  };
