import { number } from "../../../common/optionRow.js";
import { type Scalar, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";

/** Added to the product of norms, as in the authors' code. */
const EPSILON = 1e-8;

/** 1 - mean Pearson correlation of rows of x and y, [N, C]. */
function unrelated(x: Tensor2D, y: Tensor2D): Scalar {
  const centred = (z: Tensor2D) => tf.sub(z, tf.mean(z, 1, true));
  const [a, b] = [centred(x), centred(y)];
  const length = (z: typeof a) => tf.sqrt(tf.sum(tf.square(z), 1));
  const norms = tf.add(tf.mul(length(a), length(b)), EPSILON);
  return tf.sub(1, tf.mean(tf.div(tf.sum(tf.mul(a, b), 1), norms))) as Scalar;
}

/** DIST: T^2 * (beta * (1 - correlation within images) + gamma * (1 - correlation within classes)). */
export const dist = defineMethod({
  name: "dist",
  summary: "correlation of softened probabilities, by image and by class (DIST)",
  paper: "Huang et al., Knowledge Distillation from A Stronger Teacher, NeurIPS 2022",
  code: "hunto/image_classification_sota 6f7a70a",
  formula:
    "T^2 (dist_beta (1 - mean over images of corr(q_s, q_t)) + dist_gamma (1 - mean over classes of corr(q_s, q_t))), q: softmax(z / T), T: dist_tau",
  weights: { gamma: 1, alpha: 0, beta: 2 },
  options: {
    dist_tau: number(4, "Temperature of the probabilities.", { above: 0, touches: "numbers" }),
    dist_beta: number(1, "Weight of the relation between classes.", { touches: "numbers" }),
    dist_gamma: number(1, "Weight of the relation within a class.", { touches: "numbers" }),
  },
  leastImages: 2,
  terms: ["inter", "intra"],
  sees: () => ["logits"],
  build: (_pair, { dist_tau, dist_beta, dist_gamma }) => ({
    terms({ student, teacher }) {
      const soft = (logits: Tensor2D) => tf.softmax(tf.div(logits, dist_tau)) as Tensor2D;
      const [ours, theirs] = [soft(student.logits), soft(teacher.logits)];
      const intra = unrelated(tf.transpose(ours), tf.transpose(theirs));
      return {
        inter: tf.mul(unrelated(ours, theirs), dist_beta * dist_tau ** 2) as Scalar,
        intra: tf.mul(intra, dist_gamma * dist_tau ** 2) as Scalar,
      };
    },
  }),
});
