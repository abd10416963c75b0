import { number } from "../../../common/optionRow.js";
import { type Scalar, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";

/** OFA's loss: cross entropy against (p_t + y)^eps - y (section 3.3); without the authors' branches on inner stages. */
export const ofa = defineMethod({
  name: "ofa",
  summary: "soft loss that weighs the label more, the surer the teacher is of it (OFA)",
  paper:
    "Hao et al., One-for-All: Bridge the Gap Between Heterogeneous Architectures in Knowledge Distillation, NeurIPS 2023",
  code: "Hao840/OFAKD f7bb896",
  formula: "- mean of sum ((p_t + y)^eps - y) log p_s, p: softmax(z / T), y: the label",
  traps: [
    "The authors' loss alone, on the logits: they put branches on inner stages of the student, too.",
    "Nothing is multiplied by T^2.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {
    ofa_eps: number(1, "Power; above 1 the label has more weight. Published: 1 to 1.5, by pair.", {
      above: 0,
      touches: "numbers",
    }),
    ofa_temperature: number(1, "Temperature of both models.", { above: 0, touches: "numbers" }),
  },
  terms: ["ofa"],
  sees: () => ["logits"],
  build: (_pair, { ofa_eps, ofa_temperature }) => ({
    terms({ student, teacher, oneHot }) {
      const theirs = tf.softmax(tf.div(teacher.logits, ofa_temperature));
      const wanted = tf.sub(tf.pow(tf.add(theirs, oneHot), ofa_eps), oneHot);
      const ours = tf.logSoftmax(tf.div(student.logits, ofa_temperature));
      return { ofa: tf.neg(tf.mean(tf.sum(tf.mul(wanted, ours), 1))) as Scalar };
    },
  }),
});
