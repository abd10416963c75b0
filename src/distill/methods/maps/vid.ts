import { relu } from "../../../nn/activation.js";
import { addParameter, type ModelBuilder } from "../../../nn/builder.js";
import { sumOfSquares } from "../../../nn/gradients.js";
import { constant } from "../../../nn/initialization.js";
import { convolution } from "../../../nn/layers.js";
import { type Tensor, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod, REP_DISTILLER } from "../../method.js";
import { type PairedMaps, sumOverMaps, UNEQUAL_MAPS, zippedMaps } from "../../parts/maps.js";

/** Initial value and lower bound of variances. */
const [FIRST_VARIANCE, LEAST_VARIANCE] = [5, 1e-5];

/** log(1 + exp(x)) + LEAST_VARIANCE is then FIRST_VARIANCE. */
const FIRST_SCALE = Math.log(Math.exp(FIRST_VARIANCE - LEAST_VARIANCE) - 1);

const POINTWISE = { kernel: 1, stride: 1, padding: 0 };

/**
 * The teacher's map as a normal distribution given the student's, with a variance per channel.
 * @returns half the mean of (mean - f_t)^2 / variance + log variance, for maps of one size
 */
function variationalLoss(make: ModelBuilder, name: string, { student, teacher }: PairedMaps) {
  const [inputs, outputs] = [student[2], teacher[2]];
  const scale = addParameter(make, `${name}.log_scale`, [outputs], constant(FIRST_SCALE));
  const layer = (index: number, from: number) =>
    convolution(make, `${name}.regressor.${index}`, { inputs: from, outputs, ...POINTWISE });
  const [first, second, third] = [layer(0, inputs), layer(2, outputs), layer(4, outputs)];
  return (ours: Tensor4D, theirs: Tensor4D): Tensor => {
    const variance = tf.add(tf.log(tf.add(tf.exp(scale), 1)), LEAST_VARIANCE); // [C]
    const mean = third(relu(second(relu(first(ours)))));
    const squares = tf.div(sumOfSquares(tf.sub(mean, theirs), 0, 1, 2), theirs.size / outputs);
    return tf.mul(tf.mean(tf.add(tf.div(squares, variance), tf.log(variance))), 0.5);
  };
}

/** VID: likelihood of the teacher's maps given the student's. */
export const vid = defineMethod({
  name: "vid",
  summary: "likelihood of the teacher's maps given the student's (VID)",
  paper: "Ahn et al., Variational Information Distillation for Knowledge Transfer, CVPR 2019",
  code: REP_DISTILLER,
  formula:
    "sum over maps of the mean of ((m(f_s) - f_t)^2 / v + log v) / 2, m three 1x1 convolutions, v = log(1 + exp(w)) + 1e-5",
  traps: [
    "w, one for each channel, learns with weight decay, so variances drift where nothing else moves them.",
    UNEQUAL_MAPS,
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {},
  terms: ["vid"],
  sees: () => ["maps"],
  build(pair, _options, make) {
    const { maps, ...rest } = zippedMaps(pair);
    const losses = maps.map((paired, i) => variationalLoss(make, `vid.${i}`, paired));
    const lossOf = (ours: Tensor4D, theirs: Tensor4D, i: number) =>
      (losses[i] as (typeof losses)[number])(ours, theirs);
    return { ...rest, terms: (at) => ({ vid: sumOverMaps(at, losses.length, lossOf) }) };
  },
});
