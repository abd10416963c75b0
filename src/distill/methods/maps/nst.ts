import { meanSquare } from "../../../nn/gradients.js";
import { type Tensor, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod, REP_DISTILLER } from "../../method.js";
import { normalizedAlong } from "../../parts/losses.js";
import { sumOverMaps, UNEQUAL_MAPS, zippedMaps } from "../../parts/maps.js";

/** L2-normalised channels of a map [N, H, W, C]. @returns [N, H * W, C] */
function channelsOf(map: Tensor4D): Tensor {
  const [images, height, width, channels] = map.shape;
  return normalizedAlong(tf.reshape(map, [images, height * width, channels]), 1);
}

/** Mean over images and channel pairs of (x . y)^2, the polynomial kernel of degree 2. */
const kernelMean = (x: Tensor, y: Tensor): Tensor => meanSquare(tf.matMul(x, y, true, false));

/** Squared MMD of the channels of two maps of one size. */
function discrepancy(ours: Tensor4D, theirs: Tensor4D): Tensor {
  const [s, t] = [channelsOf(ours), channelsOf(theirs)];
  const own = tf.add(kernelMean(t, t), kernelMean(s, s));
  return tf.sub(own, tf.mul(kernelMean(s, t), 2));
}

/** NST: match the distribution of channels (MMD with a polynomial kernel). */
export const nst = defineMethod({
  name: "nst",
  summary: "distribution of channels, by maximum mean discrepancy (NST)",
  paper: "Huang and Wang, Like What You Like: Knowledge Distill via Neuron Selectivity Transfer, 2017",
  code: REP_DISTILLER,
  formula: "sum over maps of E k(t, t') + E k(s, s') - 2 E k(s, t), k(x, y) = (x . y)^2, s and t channels of length 1",
  traps: [UNEQUAL_MAPS],
  weights: { gamma: 1, alpha: 0, beta: 50 },
  options: {},
  terms: ["nst"],
  sees: () => ["maps"],
  build(pair) {
    const { maps, ...rest } = zippedMaps(pair);
    return { ...rest, terms: (at) => ({ nst: sumOverMaps(at, maps.length, discrepancy) }) };
  },
});
