import { type Scalar, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod, REP_DISTILLER } from "../../method.js";

/** Added to lengths and to both logarithms' arguments, as in the authors' code. */
const EPSILON = 1e-7;

/** Each image's distribution over the batch [N, N]: (cosine + 1) / 2, rows sum to 1. */
function likeness(features: Tensor2D): Tensor2D {
  const length = tf.sqrt(tf.sum(tf.square(features), 1, true));
  const unit = tf.div(features, tf.add(length, EPSILON)) as Tensor2D;
  const similar = tf.div(tf.add(tf.matMul(unit, unit, false, true), 1), 2);
  return tf.div(similar, tf.sum(similar, 1, true)) as Tensor2D;
}

/** PKT: KL between similarity distributions over the batch, averaged over N^2 entries. */
export const pkt = defineMethod({
  name: "pkt",
  summary: "KL of the images' likeness within a batch (PKT)",
  paper: "Passalis and Tefas, Learning Deep Representations with Probabilistic Knowledge Transfer, ECCV 2018",
  code: REP_DISTILLER,
  formula:
    "mean over N^2 pairs of images of l_t log(l_t / l_s), l: (cos(p_i, p_j) + 1) / 2 divided by the sum of its row",
  weights: { gamma: 1, alpha: 0, beta: 30000 },
  options: {},
  terms: ["pkt"],
  sees: () => ["pooled"],
  build: () => ({
    terms({ student, teacher }) {
      const [ours, theirs] = [likeness(student.pooled), likeness(teacher.pooled)];
      const ratio = tf.div(tf.add(theirs, EPSILON), tf.add(ours, EPSILON));
      return { pkt: tf.mean(tf.mul(theirs, tf.log(ratio))) as Scalar };
    },
  }),
});
