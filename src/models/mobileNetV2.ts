import { relu } from "../nn/activation.js";
import type { ModelBuilder } from "../nn/builder.js";
import { constant, type Initialization, kaimingNormalFanOut, normal } from "../nn/initialization.js";
import { linear } from "../nn/layers.js";
import { type ForwardContext, type ModelOutput, plainMap } from "../nn/model.js";
import { type Tensor4D, tf } from "../runtime/tf.js";
import { classified, convolutionUnit, type Layer, type UnitOptions } from "./residual.js";
import type { Architecture } from "./types.js";

export const mobileNetV2Initialization: Initialization = {
  "conv.weight": kaimingNormalFanOut,
  "linear.weight": normal(0.01),
  "linear.bias": constant(0),
};

/** Groups of blocks at width 1: whether they expand, channels, blocks, first stride. */
const GROUPS = [
  { expands: false, channels: 16, blocks: 1, stride: 1 },
  { expands: true, channels: 24, blocks: 2, stride: 1 },
  { expands: true, channels: 32, blocks: 3, stride: 2 },
  { expands: true, channels: 64, blocks: 4, stride: 2 },
  { expands: true, channels: 96, blocks: 3, stride: 1 },
  { expands: true, channels: 160, blocks: 3, stride: 2 },
  { expands: true, channels: 320, blocks: 1, stride: 1 },
] as const;

/** The groups whose outputs are features, after the stem. */
const FEATURE_GROUPS = [1, 2, 4, 6] as const;

const STEM_CHANNELS = 32;
const LAST_CHANNELS = 1280;

/** 1x1 up, 3x3 depthwise, 1x1 down without activation; plus the input where the shapes agree. */
function invertedResidual(
  builder: ModelBuilder,
  name: string,
  shape: { inputs: number; outputs: number; expansion: number; stride: number },
): Layer {
  const { inputs, outputs, expansion, stride } = shape;
  const wide = inputs * expansion;
  // Positions in the reference's list, where a ReLU follows the first two normalisations.
  const unit = (position: number, options: UnitOptions) =>
    convolutionUnit(builder, `${name}.conv.${position}`, `${name}.conv.${position + 1}`, options);
  const up = unit(0, { inputs, outputs: wide, kernel: 1, stride: 1 });
  const spatial = unit(3, { inputs: wide, outputs: wide, kernel: 3, stride, depthwise: true });
  const down = unit(6, { inputs: wide, outputs, kernel: 1, stride: 1 });
  const keepsShape = stride === 1 && inputs === outputs;
  return (x, context) => {
    const active = relu(spatial(relu(up(x, context)), context));
    const out = down(active, context);
    return keepsShape ? (tf.add(x, out) as Tensor4D) : out;
  };
}

function makeGroups(builder: ModelBuilder, expansion: number, width: number): Layer[][] {
  let inputs = STEM_CHANNELS * width;
  return GROUPS.map(({ expands, channels, blocks, stride }, group) =>
    Array.from({ length: blocks }, (_, i) => {
      const outputs = channels * width;
      const shape = { inputs, outputs, expansion: expands ? expansion : 1, stride: i === 0 ? stride : 1 };
      inputs = outputs;
      return invertedResidual(builder, `blocks.${group}.${i}`, shape);
    }),
  );
}

/**
 * MobileNetV2 for 32x32 images (Sandler et al. 2018) as in RepDistiller and PEFD: ReLU instead of ReLU6, a stem of
 * stride 2, a last layer of fixed width. `expansion` is the paper's t, `width` the factor of all other channels.
 */
export const mobileNetV2 =
  (expansion: number, width: number): Architecture =>
  (builder, numClasses) => {
    const narrow = { inputs: 3, outputs: STEM_CHANNELS * width, kernel: 3, stride: 2 };
    const stem = convolutionUnit(builder, "conv1.0", "conv1.1", narrow);
    const groups = makeGroups(builder, expansion, width);
    const wide = { inputs: GROUPS[6].channels * width, outputs: LAST_CHANNELS, kernel: 1, stride: 1 };
    const last = convolutionUnit(builder, "conv2.0", "conv2.1", wide);
    const classifier = linear(builder, "classifier.0", LAST_CHANNELS, numClasses);
    const forward = (images: Tensor4D, context: ForwardContext): ModelOutput => {
      const first = relu(stem(images, context));
      const maps: Tensor4D[] = [];
      let x = first;
      for (const group of groups) {
        for (const layer of group) x = layer(x, context);
        maps.push(x);
      }
      const ends = FEATURE_GROUPS.map((i) => plainMap(maps[i] as Tensor4D));
      return { stem: plainMap(first), maps: ends, ...classified(relu(last(x, context)), context, classifier) };
    };
    const norms = FEATURE_GROUPS.map((i) => `blocks.${i}.${GROUPS[i].blocks - 1}.conv.7`);
    return { featureSize: LAST_CHANNELS, norms, forward };
  };
