import { relu } from "../nn/activation.js";
import type { ModelBuilder } from "../nn/builder.js";
import { normalizedConvolution } from "../nn/fold.js";
import { constant, type Initialization, kaimingNormalFanOut, normal } from "../nn/initialization.js";
import { batchNorm, convolution, linear } from "../nn/layers.js";
import { type ForwardContext, type ModelOutput, plainMap } from "../nn/model.js";
import { maxPool } from "../nn/pool.js";
import type { Tensor4D } from "../runtime/tf.js";
import { classified, type Layer } from "./residual.js";
import type { Architecture } from "./types.js";

export const vggInitialization: Initialization = {
  "conv.weight": kaimingNormalFanOut,
  "conv.bias": constant(0),
  "linear.weight": normal(0.01),
  "linear.bias": constant(0),
};

/** Channels of the five blocks. */
const WIDTHS = [64, 128, 256, 512, 512] as const;

/** Only images of this height are halved once more, between the last two blocks. */
const LARGE = 64;

/** How many convolutions each of the five blocks has. */
export type BlockDepths = readonly [number, number, number, number, number];

/** 3x3 convolutions with batch normalisation, ReLU between them, none after the last. */
function block(builder: ModelBuilder, name: string, depth: number, inputs: number, outputs: number): Layer {
  // In the reference's list every convolution is followed by its normalisation and a ReLU: three places each.
  const layers = Array.from({ length: depth }, (_, i) => {
    const shape = { inputs: i === 0 ? inputs : outputs, outputs, kernel: 3, stride: 1, padding: 1, bias: true };
    const conv = convolution(builder, `${name}.${3 * i}`, shape);
    return normalizedConvolution(builder, conv, batchNorm(builder, `${name}.${3 * i + 1}`, outputs));
  });
  return (x, context) => {
    let last = x;
    for (const [i, layer] of layers.entries()) last = layer(i === 0 ? last : relu(last), context);
    return last;
  };
}

/** VGG for 32x32 images (Simonyan and Zisserman 2015) with batch normalisation and one linear layer, as in PEFD. */
export const vgg =
  (depths: BlockDepths): Architecture =>
  (builder, numClasses) => {
    const blocks = WIDTHS.map((width, i) =>
      block(builder, `block${i}`, depths[i] as number, WIDTHS[i - 1] ?? 3, width),
    );
    const featureSize = WIDTHS[4];
    const classifier = linear(builder, "classifier", featureSize, numClasses);
    const forward = (images: Tensor4D, context: ForwardContext): ModelOutput => {
      const sums: Tensor4D[] = [];
      const maps: Tensor4D[] = [];
      for (const [i, layer] of blocks.entries()) {
        const from = maps[i - 1] ?? images;
        const halved = i > 0 && (i < 4 || images.shape[1] === LARGE);
        const input = halved ? maxPool(from, { kernel: 2, stride: 2, padding: 0 }) : from;
        const sum = layer(input, context);
        sums.push(sum);
        maps.push(relu(sum));
      }
      return {
        stem: plainMap(maps[0] as Tensor4D),
        maps: maps.slice(1).map((out, i) => ({ out, beforeRelu: sums[i + 1] as Tensor4D })),
        ...classified(maps[4] as Tensor4D, context, classifier),
      };
    };
    const norms = depths.slice(1).map((depth, i) => `block${i + 1}.${3 * (depth - 1) + 1}`);
    return { featureSize, norms, forward };
  };
