import { relu } from "../nn/activation.js";
import type { ModelBuilder } from "../nn/builder.js";
import { normalizedConvolution } from "../nn/fold.js";
import { type Initialization, kaimingNormalFanOut } from "../nn/initialization.js";
import { batchNorm, convolution, globalAveragePool, linear } from "../nn/layers.js";
import type { ForwardContext, ModelOutput } from "../nn/model.js";
import { type Tensor4D, tf } from "../runtime/tf.js";
import type { Architecture } from "./types.js";

/** A block's sum before its last ReLU, and after. */
interface BlockOutput {
  readonly sum: Tensor4D;
  readonly out: Tensor4D;
}

type Block = (x: Tensor4D, context: ForwardContext) => BlockOutput;

/** conv3x3-bn-relu-conv3x3-bn plus the shortcut; a 1x1 convolution where the shape changes. */
function basicBlock(
  builder: ModelBuilder,
  name: string,
  inputs: number,
  outputs: number,
  stride: number,
): Block {
  const unit = (conv: string, bn: string, from: number, kernel: number, step: number) =>
    normalizedConvolution(
      builder,
      convolution(builder, `${name}.${conv}`, {
        inputs: from,
        outputs,
        kernel,
        stride: step,
        padding: kernel === 3 ? 1 : 0,
      }),
      batchNorm(builder, `${name}.${bn}`, outputs),
    );
  const first = unit("conv1", "bn1", inputs, 3, stride);
  const second = unit("conv2", "bn2", outputs, 3, 1);
  const shortcut =
    stride !== 1 || inputs !== outputs
      ? unit("downsample.0", "downsample.1", inputs, 1, stride)
      : (x: Tensor4D) => x;
  return (x, context) => {
    const residual = second(relu(first(x, context)), context);
    const sum = tf.add(residual, shortcut(x, context)) as Tensor4D;
    return { sum, out: relu(sum) };
  };
}

function stage(
  builder: ModelBuilder,
  name: string,
  blocks: number,
  inputs: number,
  outputs: number,
  stride: number,
): Block {
  const layers = Array.from({ length: blocks }, (_, i) =>
    basicBlock(builder, `${name}.${i}`, i === 0 ? inputs : outputs, outputs, i === 0 ? stride : 1),
  );
  return (x, context) => {
    let last: BlockOutput = { sum: x, out: x };
    for (const layer of layers) last = layer(last.out, context);
    return last;
  };
}

/** Weights as the paper's code draws them. */
export const resnetInitialization: Initialization = { "conv.weight": kaimingNormalFanOut };

/**
 * ResNet for 32x32 images (He et al. 2016, section 4.2), as RepDistiller and PEFD have it: a stem and three
 * stages of basic blocks.
 * @param depth 6n + 2
 * @param widths channels of the stem and of the three stages
 */
export const resnet =
  (depth: number, widths: readonly [number, number, number, number]): Architecture =>
  (builder, numClasses) => {
    const blocks = (depth - 2) / 6;
    const [stemWidth, ...stageWidths] = widths;
    const stem = normalizedConvolution(
      builder,
      convolution(builder, "conv1", {
        inputs: 3,
        outputs: stemWidth,
        kernel: 3,
        stride: 1,
        padding: 1,
      }),
      batchNorm(builder, "bn1", stemWidth),
    );
    const stages = stageWidths.map((width, i) =>
      stage(builder, `layer${i + 1}`, blocks, widths[i] as number, width, i === 0 ? 1 : 2),
    );
    const featureSize = widths[3];
    const classifier = linear(builder, "fc", featureSize, numClasses);
    const forward = (images: Tensor4D, context: ForwardContext): ModelOutput => {
      const first = relu(stem(images, context));
      const maps: BlockOutput[] = [];
      let x = first;
      for (const layer of stages) {
        const output = layer(x, context);
        maps.push(output);
        x = output.out;
      }
      const pooled = globalAveragePool(x);
      return {
        features: [first, ...maps.map((map) => map.out), pooled],
        preactFeatures: [first, ...maps.map((map) => map.sum), pooled],
        logits: classifier(pooled),
      };
    };
    return { featureSize, forward };
  };
