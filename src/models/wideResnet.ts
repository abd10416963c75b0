import { relu } from "../nn/activation.js";
import type { ModelBuilder } from "../nn/builder.js";
import { normalizedConvolution } from "../nn/fold.js";
import { constant, type Initialization, kaimingNormalFanOut } from "../nn/initialization.js";
import { batchNorm, convolution, linear } from "../nn/layers.js";
import { type ForwardContext, insertedAt, type ModelOutput, plainMap } from "../nn/model.js";
import { globalAveragePool } from "../nn/pool.js";
import { type Tensor4D, tf } from "../runtime/tf.js";
import type { Architecture } from "./types.js";

export const wideResnetInitialization: Initialization = {
  "conv.weight": kaimingNormalFanOut,
  "linear.bias": constant(0),
};

/** A block's input after the first batch normalisation, and its output. */
type BlockOutput = { readonly normalized: Tensor4D; readonly out: Tensor4D };

type Block = (x: Tensor4D, context: ForwardContext) => BlockOutput;

/** bn-relu-conv3x3-bn-relu-conv3x3 plus input, or a 1x1 convolution of the activated one where channels change. */
function preactivationBlock(
  builder: ModelBuilder,
  name: string,
  inputs: number,
  outputs: number,
  stride: number,
): Block {
  const spatial = { kernel: 3, padding: 1 };
  const bn1 = batchNorm(builder, `${name}.bn1`, inputs);
  const conv1 = convolution(builder, `${name}.conv1`, { ...spatial, inputs, outputs, stride });
  const first = normalizedConvolution(builder, conv1, batchNorm(builder, `${name}.bn2`, outputs));
  const second = convolution(builder, `${name}.conv2`, { ...spatial, inputs: outputs, outputs, stride: 1 });
  const shortcut =
    inputs === outputs
      ? undefined
      : convolution(builder, `${name}.convShortcut`, { inputs, outputs, kernel: 1, stride, padding: 0 });
  return (x, context) => {
    const normalized = bn1(x, context);
    const active = relu(normalized);
    const residual = second(relu(first(active, context)));
    const straight = shortcut === undefined ? x : shortcut(active);
    return { normalized, out: tf.add(straight, residual) as Tensor4D };
  };
}

/** A row of blocks. @returns the first block's normalised input and the last one's output */
function stage(
  builder: ModelBuilder,
  name: string,
  blocks: number,
  inputs: number,
  outputs: number,
  stride: number,
): Block {
  const layers = Array.from({ length: blocks }, (_, i) =>
    preactivationBlock(builder, `${name}.layer.${i}`, i === 0 ? inputs : outputs, outputs, i === 0 ? stride : 1),
  );
  return (x, context) => {
    const [first, ...rest] = layers as [Block, ...Block[]];
    const { normalized, out } = first(x, context);
    let last = out;
    for (const layer of rest) last = layer(last, context).out;
    return { normalized, out: last };
  };
}

/** Wide residual network for 32x32 images (Zagoruyko and Komodakis 2016), depth 6n + 4; maps are plain sums. */
export const wideResnet =
  (depth: number, widening: number): Architecture =>
  (builder, numClasses) => {
    const blocks = (depth - 4) / 6;
    const widths = [16, 16 * widening, 32 * widening, 64 * widening] as const;
    const stem = convolution(builder, "conv1", { inputs: 3, outputs: widths[0], kernel: 3, stride: 1, padding: 1 });
    const stages = widths.slice(1).map((width, i) => {
      const inputs = widths[i] as number;
      return stage(builder, `block${i + 1}`, blocks, inputs, width, i === 0 ? 1 : 2);
    });
    const featureSize = widths[3];
    const lastNorm = batchNorm(builder, "bn1", featureSize);
    const classifier = linear(builder, "fc", featureSize, numClasses);
    const forward = (images: Tensor4D, context: ForwardContext): ModelOutput => {
      const first = stem(images);
      const maps: BlockOutput[] = [];
      for (const layer of stages) maps.push(layer(maps.at(-1)?.out ?? first, context));
      const { out: last, ...inserted } = insertedAt((maps.at(-1) as BlockOutput).out, context);
      const normalized = lastNorm(last, context);
      const averaged = relu(normalized);
      const pooled = globalAveragePool(averaged);
      const followed = maps.slice(1).map((map) => map.normalized);
      return {
        stem: plainMap(first),
        maps: maps.map(({ out }, i) => ({ out, beforeRelu: followed[i] ?? normalized })),
        pooled,
        logits: classifier(pooled),
        ...inserted,
        averaged,
      };
    };
    const norms = ["block2.layer.0.bn1", "block3.layer.0.bn1", "bn1"];
    return { featureSize, norms, forward };
  };
