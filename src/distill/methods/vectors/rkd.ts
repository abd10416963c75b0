import { number } from "../../../common/optionRow.js";
import { type Scalar, type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod, REP_DISTILLER } from "../../method.js";
import { normalizedRows } from "../../parts/losses.js";

const LEAST_SQUARE = 1e-12;

/** Pairwise distances [N, N] over the mean between different images. */
function distances(features: Tensor2D): Tensor {
  const images = features.shape[0];
  const square = tf.sum(tf.square(features), 1, true);
  const products = tf.matMul(features, features, false, true);
  const squared = tf.sub(tf.add(square, tf.transpose(square)), tf.mul(products, 2));
  const between = tf.sub(1, tf.eye(images));
  const found = tf.mul(tf.sqrt(tf.maximum(squared, LEAST_SQUARE)), between);
  return tf.div(found, tf.div(tf.sum(found), images * (images - 1)));
}

/** Cosines of all triples' angles, [N, N, N]. */
function angles(features: Tensor2D): Tensor {
  const [images, size] = features.shape;
  const [from, to] = [tf.reshape(features, [1, images, size]), tf.reshape(features, [images, 1, size])];
  const sides = normalizedRows(tf.sub(from, to));
  return tf.matMul(sides, sides, false, true);
}

/** torch.nn.functional.smooth_l1_loss with beta 1. */
function smoothL1(x: Tensor, y: Tensor): Scalar {
  const difference = tf.sub(x, y);
  const near = tf.maximum(tf.minimum(difference, 1), -1);
  return tf.mean(tf.mul(near, tf.sub(difference, tf.mul(near, 0.5)))) as Scalar;
}

/** RKD: match distances of pairs and angles of triples. */
export const rkd = defineMethod({
  name: "rkd",
  summary: "distances and angles within a batch (RKD)",
  paper: "Park et al., Relational Knowledge Distillation, CVPR 2019",
  code: REP_DISTILLER,
  formula:
    "rkd_d smoothL1(d_s, d_t) + rkd_a smoothL1(a_s, a_t), d: |p_i - p_j| / the mean distance, a: cosines of the angles at p_i between p_j and p_k",
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {
    rkd_d: number(25, "Weight of the distances.", { touches: "numbers" }),
    rkd_a: number(50, "Weight of the angles.", { touches: "numbers" }),
  },
  leastImages: 2,
  terms: ["distance", "angle"],
  sees: () => ["pooled"],
  build: (_pair, { rkd_d, rkd_a }) => ({
    terms({ student, teacher }) {
      const [ours, theirs] = [student.pooled, teacher.pooled];
      return {
        distance: tf.mul(smoothL1(distances(ours), distances(theirs)), rkd_d) as Scalar,
        angle: tf.mul(smoothL1(angles(ours), angles(theirs)), rkd_a) as Scalar,
      };
    },
  }),
});
