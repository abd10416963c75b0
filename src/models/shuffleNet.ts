import { relu } from "../nn/activation.js";
import type { ModelBuilder } from "../nn/builder.js";
import { channelShuffle } from "../nn/convolution/shuffle.js";
import { linear } from "../nn/layers.js";
import type { ForwardContext } from "../nn/model.js";
import { averagePool } from "../nn/pool.js";
import { type Tensor4D, tf } from "../runtime/tf.js";
import { type Activated, type BlockPlace, convolutionUnit, numberedUnits, stagedForward } from "./residual.js";
import type { Architecture } from "./types.js";

const GROUPS = 3;
const STEM_CHANNELS = 24;

/** Channels that a stage ends with, and its blocks; the first of each halves height and width. */
const STAGES = [
  { channels: 240, blocks: 4 },
  { channels: 480, blocks: 8 },
  { channels: 960, blocks: 4 },
] as const;

/** 3x3 with stride 2 whose padding counts: the mean is over nine elements at the border, too. */
const SHORTCUT_POOL = { kernel: 3, stride: 2, padding: 1 };

/** 1x1 in groups, shuffle, 3x3 depthwise, 1x1 in groups; then beside the halved input, or added to it. */
function block(
  builder: ModelBuilder,
  { name, inputs, width, stride }: BlockPlace,
): (x: Tensor4D, context: ForwardContext) => Activated {
  const outputs = stride === 1 ? width : width - inputs;
  const inner = Math.floor(outputs / 4);
  const groups = inputs === STEM_CHANNELS ? 1 : GROUPS;
  const unit = numberedUnits(builder, name);
  const down = unit(1, { inputs, outputs: inner, kernel: 1, stride: 1, groups });
  const spatial = unit(2, { inputs: inner, outputs: inner, kernel: 3, stride, depthwise: true });
  const up = unit(3, { inputs: inner, outputs, kernel: 1, stride: 1, groups: GROUPS });
  return (x, context) => {
    const shuffled = channelShuffle(relu(down(x, context)), groups);
    const branch = up(relu(spatial(shuffled, context)), context);
    const sum =
      stride === 1
        ? (tf.add(branch, x) as Tensor4D)
        : (tf.concat([branch, averagePool(x, SHORTCUT_POOL)], 3) as Tensor4D);
    return { sum, out: relu(sum) };
  };
}

/** ShuffleNet for 32x32 images (Zhang et al. 2018), with three groups, as RepDistiller has it: a 1x1 stem of stride 1. */
export const shuffleNet: Architecture = (builder, numClasses) => {
  const stem = convolutionUnit(builder, "conv1", "bn1", { inputs: 3, outputs: STEM_CHANNELS, kernel: 1, stride: 1 });
  let inputs: number = STEM_CHANNELS;
  const stages = STAGES.map(({ channels, blocks }, i) => {
    const layers = Array.from({ length: blocks }, (_, j) => {
      const place = { name: `layer${i + 1}.${j}`, inputs, width: channels, stride: j === 0 ? 2 : 1 };
      inputs = channels;
      return block(builder, place);
    });
    return (x: Tensor4D, context: ForwardContext) =>
      layers.reduce<Activated>((last, layer) => layer(last.out, context), { sum: x, out: x });
  });
  const featureSize = STAGES[2].channels;
  const classifier = linear(builder, "linear", featureSize, numClasses);
  const forward = stagedForward((x, context) => relu(stem(x, context)), stages, classifier);
  return { featureSize, forward };
};
