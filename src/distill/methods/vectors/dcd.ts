import { number } from "../../../common/optionRow.js";
import { addParameter } from "../../../nn/builder.js";
import { constant } from "../../../nn/initialization.js";
import { linear } from "../../../nn/layers.js";
import { type Scalar, type Tensor, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { EMBEDDING_OPTIONS } from "../../options.js";
import { normalizedRows } from "../../parts/losses.js";

/** Bound of the scale. */
const MOST = 10;

/** DCD: each embedding finds its image's among the batch's, and is found as surely. */
export const dcd = defineMethod({
  name: "dcd",
  summary: "embedded vectors told apart within a batch, alike in both directions (DCD)",
  paper: "Giakoumoglou and Stathaki, Discriminative and Consistent Distillation, arXiv 2407.11802, 2024",
  code: "giakoumoglou/distillers a2ee80b",
  formula:
    "cross entropy of the rows of S against the diagonal + a KL(softmax of columns of S, softmax of rows), S: min(exp(tau), 10) v_s . v_t + b, v: embedded, length 1; tau and b learned",
  traps: ["The authors' README names its flag, their CIFAR-100 program does not know it: only the loss is theirs."],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {
    ...EMBEDDING_OPTIONS,
    dcd_alpha: number(0.5, "Weight of the KL between both directions.", { min: 0, touches: "numbers" }),
  },
  leastImages: 2,
  terms: ["contrast", "consistency"],
  sees: () => ["pooled"],
  build({ student, teacher }, { feat_dim, dcd_alpha }, make) {
    const ours = linear(make, "embed_s", student.pooled, feat_dim);
    const theirs = linear(make, "embed_t", teacher.pooled, feat_dim);
    const tau = addParameter(make, "tau", [], constant(1));
    const b = addParameter(make, "b", [], constant(0));
    return {
      terms(at) {
        const [s, t] = [normalizedRows(ours(at.student.pooled)), normalizedRows(theirs(at.teacher.pooled))];
        const scale = tf.minimum(tf.exp(tau as Tensor), MOST);
        const logits = tf.add(tf.mul(tf.matMul(s, t, false, true), scale), b); // [N, N]
        const [rows, columns] = [tf.logSoftmax(logits), tf.logSoftmax(tf.transpose(logits))];
        const each = tf.sum(tf.mul(tf.exp(columns), tf.sub(columns, rows)), 1);
        return {
          contrast: tf.neg(tf.mean(tf.sum(tf.mul(tf.eye(s.shape[0]), rows), 1))) as Scalar,
          consistency: tf.mul(tf.mean(each), dcd_alpha) as Scalar,
        };
      },
    };
  },
});
