import { meanSquaredError } from "../../../nn/gradients.js";
import type { Tensor4D } from "../../../runtime/tf.js";
import { defineMethod, REP_DISTILLER } from "../../method.js";
import { activity, sumOverMaps, UNEQUAL_MAPS, zippedMaps } from "../../parts/maps.js";

/** AT: match spatial attention maps. */
export const attention = defineMethod({
  name: "attention",
  summary: "where each map is active (AT)",
  paper:
    "Zagoruyko and Komodakis, Paying More Attention to Attention: Improving the Performance of CNNs via Attention Transfer, ICLR 2017",
  code: REP_DISTILLER,
  formula: "sum over maps of the mean of (a_s - a_t)^2, a = normalize(mean over C of f^2)",
  traps: [UNEQUAL_MAPS],
  weights: { gamma: 1, alpha: 0, beta: 1000 },
  options: {},
  terms: ["attention"],
  sees: () => ["maps"],
  build(pair) {
    const { maps, ...rest } = zippedMaps(pair);
    const distance = (ours: Tensor4D, theirs: Tensor4D) => meanSquaredError(activity(ours), activity(theirs));
    return { ...rest, terms: (at) => ({ attention: sumOverMaps(at, maps.length, distance) }) };
  },
});
