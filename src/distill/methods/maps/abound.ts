import { relu } from "../../../nn/activation.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { type Scalar, type Tensor, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod, REP_DISTILLER } from "../../method.js";
import { PHASE_DEFAULTS, PHASE_OPTIONS } from "../../options.js";
import { featurePhase } from "../../parts/losses.js";
import { convRegressor, type PairedMaps, pairedMaps, type Regress } from "../../parts/maps.js";

/** The authors' code scales the sum over maps by it. */
const SCALE = 3 / 1000;

/** From a student's map to the teacher's shape; identity if equal. */
function connector(make: ModelBuilder, name: string, maps: PairedMaps): Regress {
  const [[height, , channels], [tall, , wide]] = [maps.student, maps.teacher];
  return height === tall && channels === wide ? (map) => map : convRegressor(make, name, maps);
}

/** Sum of squared distances to beyond a margin of 1 on the teacher's side of 0. [N, H, W, C] both */
function beyondMargin(ours: Tensor, theirs: Tensor): Tensor {
  const side = tf.sub(tf.mul(tf.cast(tf.greater(theirs, 0), "float32"), 2), 1);
  return tf.sum(tf.square(relu(tf.sub(1, tf.mul(side, ours)))));
}

/** AB: first the student learns where the teacher's activations are positive, then to classify. */
export const abound = defineMethod({
  name: "abound",
  summary: "first, which of the maps' values are above 0; then classification alone (AB)",
  paper: "Heo et al., Knowledge Transfer via Distillation of Activation Boundaries Formed by Hidden Neurons, AAAI 2019",
  code: REP_DISTILLER,
  formula:
    "first phase: 3/1000 sum over maps i of n of 2^(i-n)/N sum of relu(1 - sign(f_t) f_s)^2, f before ReLU; then cross entropy alone",
  traps: [
    "The main part has no term of the method's: it is a plain training from where the first phase ended, with a fresh optimizer.",
    "In the first phase stem and stages learn, not what lies behind them (wrn's last batch normalisation, the last convolution of MobileNetV2 and ShuffleV2, the classifier).",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: PHASE_OPTIONS,
  defaults: PHASE_DEFAULTS,
  terms: ["boundary"],
  sees: () => ["maps"],
  build(pair, { init_epochs }, make) {
    const maps = pairedMaps(pair);
    const connectors = maps.map((each, i) => connector(make, `connector.connectors.${i}`, each));
    return {
      terms: () => ({}),
      phases: [
        {
          epochs: init_epochs,
          terms: ["boundary"],
          ...featurePhase(pair, make.state),
          loss({ student, teacher }, context) {
            const terms = connectors.map((connect, i) => {
              const ours = connect(student.maps[i]?.beforeRelu as Tensor4D, context);
              const sum = beyondMargin(ours, teacher.maps[i]?.beforeRelu as Tensor4D);
              const weight = 2 ** (i + 1 - maps.length);
              return tf.mul(sum, (weight * SCALE) / ours.shape[0]);
            });
            return { boundary: terms.reduce((sum, term) => tf.add(sum, term)) as Scalar };
          },
        },
      ],
    };
  },
});
