import { relu } from "../nn/activation.js";
import type { ModelBuilder } from "../nn/builder.js";
import { linear } from "../nn/layers.js";
import { type ForwardContext, type ModelOutput, plainMap } from "../nn/model.js";
import type { Tensor4D } from "../runtime/tf.js";
import { classified, convolutionUnit, type Layer } from "./residual.js";
import type { Architecture } from "./types.js";

/** A depthwise separable convolution: prefix in the state_dict, channels, stride. */
interface Separable {
  readonly name: string;
  readonly inputs: number;
  readonly outputs: number;
  readonly stride: number;
}

const STEM = "model1.0";

/** Channels after each separable convolution, and strides; the last two lie in a second list. */
const OUTPUTS = [64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024] as const;
const STRIDES = [1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1] as const;
const FIRST_LIST = 11;
const STEM_CHANNELS = 32;

const LAYERS: readonly Separable[] = OUTPUTS.map((outputs, i) => ({
  name: i < FIRST_LIST ? `model1.${i + 1}` : `model2.${i - FIRST_LIST}`,
  inputs: OUTPUTS[i - 1] ?? STEM_CHANNELS,
  outputs,
  stride: STRIDES[i] as number,
}));

/** 3x3 depthwise, then 1x1, each with batch normalisation and ReLU. */
function separable(builder: ModelBuilder, { name, inputs, outputs, stride }: Separable): Layer {
  const depthwise = { inputs, outputs: inputs, kernel: 3, stride, depthwise: true };
  const spatial = convolutionUnit(builder, `${name}.0`, `${name}.1`, depthwise);
  const pointwise = convolutionUnit(builder, `${name}.3`, `${name}.4`, { inputs, outputs, kernel: 1, stride: 1 });
  return (x, context) => relu(pointwise(relu(spatial(x, context)), context));
}

/** MobileNet (Howard et al. 2017) as PEFD has it for ImageNet, with a mean over the map for any size of image. */
export const mobileNet: Architecture = (builder, numClasses) => {
  const shape = { inputs: 3, outputs: STEM_CHANNELS, kernel: 3, stride: 2 };
  const stem = convolutionUnit(builder, `${STEM}.0`, `${STEM}.1`, shape);
  const layers = LAYERS.map((layer) => separable(builder, layer));
  const featureSize = 1024;
  const classifier = linear(builder, "fc", featureSize, numClasses);
  const forward = (images: Tensor4D, context: ForwardContext): ModelOutput => {
    let x = relu(stem(images, context));
    for (const layer of layers) x = layer(x, context);
    return { stem: undefined, maps: [plainMap(x)], ...classified(x, context, classifier) };
  };
  return { featureSize, forward };
};
