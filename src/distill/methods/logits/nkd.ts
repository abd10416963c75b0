import { number } from "../../../common/optionRow.js";
import { type Scalar, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";

/** Leaves the label no probability. */
const MASK = 1000;

/** NKD: -p_t log p_s of the label, and gamma * T^2 * cross entropy of other classes, renormalised. */
export const nkd = defineMethod({
  name: "nkd",
  summary: "soft loss of the label, and normalised ones of the others (NKD)",
  paper: "Yang et al., From Knowledge Distillation to Self-Knowledge Distillation, ICCV 2023",
  code: "yzd-v/cls_KD 1e5d48f",
  formula:
    "- mean of q_t log q_s of the label - nkd_gamma T^2 mean of sum over the other classes of r_t log r_s, q: softmax(z), r: softmax(z / T) of the other classes alone",
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {
    nkd_temp: number(1, "Temperature of the other classes.", { above: 0, touches: "numbers" }),
    nkd_gamma: number(1.5, "Weight of the other classes.", { touches: "numbers" }),
  },
  terms: ["target", "others"],
  sees: () => ["logits"],
  build: (_pair, { nkd_temp, nkd_gamma }) => ({
    terms({ student, teacher, oneHot }) {
      const mask = tf.mul(oneHot, MASK);
      const rest = (logits: Tensor2D) => tf.sub(tf.div(logits, nkd_temp), mask);
      const ofLabel = tf.mul(tf.softmax(teacher.logits), oneHot);
      const target = tf.sum(tf.mul(ofLabel, tf.logSoftmax(student.logits)), 1);
      const probability = tf.softmax(rest(teacher.logits));
      const others = tf.sum(tf.mul(probability, tf.logSoftmax(rest(student.logits))), 1);
      return {
        target: tf.neg(tf.mean(target)) as Scalar,
        others: tf.mul(tf.mean(others), -nkd_gamma * nkd_temp ** 2) as Scalar,
      };
    },
  }),
});
