import { meanSquaredError } from "../../../nn/gradients.js";
import { batchNorm, convolution } from "../../../nn/layers.js";
import { type Scalar, type Tensor, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { normalizedRows } from "../../parts/losses.js";

/** Each image's Gram matrix of channels, L2-normalised rows, of a map [N, H, W, C]. @returns [N, C, C] */
function channelGram(map: Tensor4D): Tensor {
  const [images, height, width, channels] = map.shape;
  const places = tf.reshape(map, [images, height * width, channels]);
  return normalizedRows(tf.matMul(places, places, true, false));
}

/** ICKD-C: match similarities between channels. */
export const ickd = defineMethod({
  name: "ickd",
  summary: "how alike the channels of the last map are (ICKD)",
  paper: "Liu et al., Exploring Inter-Channel Correlation for Diversity-preserved Knowledge Distillation, ICCV 2021",
  code: "ADLab-AutoDrive/ICKD 403b8d3",
  formula: "1/(N C) |G(bn(W f_s)) - G(f_t)|^2, G the Gram matrix of an image's channels with rows of length 1",
  traps: [
    "The last map is the one that the classifier averages, as in the authors' model files: of wrn behind the last batch normalisation and ReLU, of MobileNetV2 and ShuffleV2 behind the last convolution. Other methods here take RepDistiller's maps.",
    "In the authors' wrn a block's first batch normalisation runs twice in a step, and its running statistics move twice; here once.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 2.5 },
  options: {},
  terms: ["ickd"],
  sees: () => ["averaged"],
  build({ student, teacher }, _options, make) {
    const [inputs, outputs] = [student.lastMap[2] as number, teacher.lastMap[2] as number];
    const shape = { inputs, outputs, kernel: 1, stride: 1, padding: 0 };
    const embed = convolution(make, "embed_s.conv2d", shape);
    const norm = batchNorm(make, "embed_s.l2norm", outputs);
    return {
      terms(at, context) {
        const ours = channelGram(norm(embed(at.student.averaged as Tensor4D), context));
        const theirs = channelGram(at.teacher.averaged as Tensor4D);
        return { ickd: tf.mul(meanSquaredError(ours, theirs), outputs) as Scalar };
      },
    };
  },
});
