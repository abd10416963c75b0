import { relu } from "../nn/activation.js";
import type { ModelBuilder } from "../nn/builder.js";
import { normalizedConvolution } from "../nn/fold.js";
import { constant, type Initialization, kaimingNormalFanIn } from "../nn/initialization.js";
import { batchNorm, convolution, linear } from "../nn/layers.js";
import { type ForwardContext, type ModelOutput, plainMap } from "../nn/model.js";
import { averagePool, maxPool } from "../nn/pool.js";
import { type Tensor4D, tf } from "../runtime/tf.js";
import { classified, convolutionUnit, type Layer } from "./residual.js";
import type { Architecture } from "./types.js";

export const denseNetInitialization: Initialization = { "conv.weight": kaimingNormalFanIn, "linear.bias": constant(0) };

const GROWTH = 32;
/** Channels of the 1x1 convolution of a layer. */
const BOTTLENECK_WIDTH = 4 * GROWTH;
const STEM_CHANNELS = 2 * GROWTH;
const POINTWISE = { kernel: 1, stride: 1, padding: 0 };

/** bn-relu-conv1x1-bn-relu-conv3x3, whose result is appended to the channels of its input. */
function denseLayer(builder: ModelBuilder, name: string, inputs: number): Layer {
  const norm1 = batchNorm(builder, `${name}.norm1`, inputs);
  const conv1 = convolution(builder, `${name}.conv1`, { ...POINTWISE, inputs, outputs: BOTTLENECK_WIDTH });
  const norm2 = batchNorm(builder, `${name}.norm2`, BOTTLENECK_WIDTH);
  const narrow = normalizedConvolution(builder, conv1, norm2);
  const shape = { inputs: BOTTLENECK_WIDTH, outputs: GROWTH, kernel: 3, stride: 1, padding: 1 };
  const spatial = convolution(builder, `${name}.conv2`, shape);
  return (x, context) => {
    const grown = spatial(relu(narrow(relu(norm1(x, context)), context)));
    return tf.concat([x, grown], 3);
  };
}

/** bn-relu-conv1x1 to half of the channels, then 2x2 average pooling. */
function transition(builder: ModelBuilder, name: string, inputs: number): Layer {
  const norm = batchNorm(builder, `${name}.norm`, inputs);
  const conv = convolution(builder, `${name}.conv`, { ...POINTWISE, inputs, outputs: inputs / 2 });
  const pool = { kernel: 2, stride: 2 };
  return (x, context) => averagePool(conv(relu(norm(x, context))), pool);
}

function stem(builder: ModelBuilder): Layer {
  const shape = { inputs: 3, outputs: STEM_CHANNELS, kernel: 7, stride: 2 };
  const conv = convolutionUnit(builder, "features.conv0", "features.norm0", shape);
  const pool = { kernel: 3, stride: 2, padding: 1 };
  return (x, context) => maxPool(relu(conv(x, context)), pool);
}

/** Everything between the stem and the last normalisation. @returns the layers and their output's channels */
function denseBlocks(builder: ModelBuilder, blocks: readonly number[]) {
  const layers: Layer[] = [];
  let channels = STEM_CHANNELS;
  for (const [b, depth] of blocks.entries()) {
    for (let i = 1; i <= depth; i++, channels += GROWTH) {
      layers.push(denseLayer(builder, `features.denseblock${b + 1}.denselayer${i}`, channels));
    }
    if (b === blocks.length - 1) break;
    layers.push(transition(builder, `features.transition${b + 1}`, channels));
    channels /= 2;
  }
  return { layers, channels };
}

/** DenseNet-BC for ImageNet (Huang et al. 2017), torchvision's, with growth 32. @param blocks layers by dense block */
export const denseNet =
  (blocks: readonly number[]): Architecture =>
  (builder, numClasses) => {
    const first = stem(builder);
    const { layers, channels } = denseBlocks(builder, blocks);
    const lastNorm = batchNorm(builder, "features.norm5", channels);
    const classifier = linear(builder, "classifier", channels, numClasses);
    const forward = (images: Tensor4D, context: ForwardContext): ModelOutput => {
      let x = first(images, context);
      for (const layer of layers) x = layer(x, context);
      const map = relu(lastNorm(x, context));
      return { stem: undefined, maps: [plainMap(map)], ...classified(map, context, classifier) };
    };
    return { featureSize: channels, forward };
  };
