import { meanSquaredError } from "../../../nn/gradients/squares.js";
import { batchNorm, convolution } from "../../../nn/layers.js";
import type { ModelOutput } from "../../../nn/model.js";
import { type Scalar, type Tensor, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { normalizedRows } from "../../parts/vectors/rows.js";

/** How alike the channels of a map [N, H, W, C] are: each image's Gram matrix, its rows of length 1. @returns [N, C, C] */
function channelGram(map: Tensor4D): Tensor {
  const [images, height, width, channels] = map.shape;
  const places = tf.reshape(map, [images, height * width, channels]);
  return normalizedRows(tf.matMul(places, places, true, false));
}

const lastMap = ({ maps }: ModelOutput): Tensor4D => maps.at(-1)?.out as Tensor4D;

/** ICKD-C: channels that are alike for the teacher are to be so for the student. */
export const ickd = defineMethod({
  name: "ickd",
  summary: "how alike the channels of the last map are (ICKD)",
  paper:
    "Liu et al., Exploring Inter-Channel Correlation for Diversity-preserved Knowledge Distillation, ICCV 2021",
  code: "ADLab-AutoDrive/ICKD 403b8d3",
  formula:
    "1/(N C) |G(bn(W f_s)) - G(f_t)|^2, G the Gram matrix of an image's channels with rows of length 1",
  weights: { gamma: 1, alpha: 0, beta: 2.5 },
  options: {},
  terms: ["ickd"],
  sees: () => ["maps"],
  build({ student, teacher }, _options, make) {
    const [inputs, outputs] = [student.maps, teacher.maps].map(
      (maps) => maps.at(-1)?.[2] as number,
    ) as [number, number];
    const shape = { inputs, outputs, kernel: 1, stride: 1, padding: 0 };
    const embed = convolution(make, "embed_s.conv2d", shape);
    const norm = batchNorm(make, "embed_s.l2norm", outputs);
    return {
      terms(at, context) {
        const ours = channelGram(norm(embed(lastMap(at.student)), context));
        const theirs = channelGram(lastMap(at.teacher));
        return { ickd: tf.mul(meanSquaredError(ours, theirs), outputs) as Scalar };
      },
    };
  },
});
