import { absolute } from "../../../nn/gradients.js";
import { linear } from "../../../nn/layers.js";
import { type Scalar, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod, REP_DISTILLER } from "../../method.js";
import { EMBEDDING_OPTIONS } from "../../options.js";

/** Mean of d_i . d_(i + 1) over a batch, d [N, D]; 0 for a batch of one. */
function neighbourProducts(d: Tensor2D): Scalar {
  const [images, size] = d.shape;
  const pairs = images - 1;
  const [former, latter] = [tf.slice(d, [0, 0], [pairs, size]), tf.slice(d, [1, 0], [pairs, size])];
  return tf.div(tf.sum(tf.mul(former, latter)), Math.max(pairs, 1));
}

/** CC as in RepDistiller: products of neighbouring differences between student's and teacher's embeddings. */
export const correlation = defineMethod({
  name: "correlation",
  summary: "differences of embedded vectors, multiplied between neighbours of a batch (CC)",
  paper: "Peng et al., Correlation Congruence for Knowledge Distillation, ICCV 2019",
  code: REP_DISTILLER,
  formula: "mean over i of d_i . d_(i+1), d = |W_s p_s + b_s - W_t p_t - b_t|",
  traps: [
    "Both embeddings learn, the teacher's too: they could meet without the student.",
    "What pairs of images say depends on which stand beside each other in the batch.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 0.02 },
  options: EMBEDDING_OPTIONS,
  terms: ["correlation"],
  sees: () => ["pooled"],
  build(pair, { feat_dim }, make) {
    const ours = linear(make, "embed_s.linear", pair.student.pooled, feat_dim);
    const theirs = linear(make, "embed_t.linear", pair.teacher.pooled, feat_dim);
    return {
      terms({ student, teacher }) {
        const difference = tf.sub(ours(student.pooled), theirs(teacher.pooled));
        return { correlation: neighbourProducts(absolute(difference) as Tensor2D) };
      },
    };
  },
});
