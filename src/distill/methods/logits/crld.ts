import { number } from "../../../common/optionRow.js";
import { type Scalar, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import { klOfEach } from "../../parts/logits.js";

/** CRLD: KL within and across a weak and a strong view, of images of which the teacher is sure. */
export const crld = defineMethod({
  name: "crld",
  summary: "KL within and across two views, where the teacher is sure (CRLD)",
  paper: "Zhang et al., Cross-View Consistency Regularisation for Knowledge Distillation, ACM MM 2024",
  code: "haiduo/DeepKD afb5964",
  formula:
    "crld_within mean((KL(t_w, s_w) + KL(t_s, s_s)) m_w) + crld_across mean((KL(t_w, s_s) + KL(t_s, s_w)) m_s), m: the teacher's confidence on that view is at least tau; w, s: weak and strong view",
  traps: [
    "The student runs twice in a step, on the weak view first: its running statistics move twice.",
    "The authors' repository is not to be had; the code is DeepKD's copy of it.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  options: {
    ...KL_OPTIONS,
    crld_within: number(2, "Weight of the parts within a view.", { min: 0, touches: "numbers" }),
    crld_across: number(0.5, "Weight of the parts across views.", { min: 0, touches: "numbers" }),
    crld_tau_w: number(0.9, "Least confidence on the weak view.", { min: 0, max: 1, touches: "numbers" }),
    crld_tau_s: number(0.2, "Least confidence on the strong view.", { min: 0, max: 1, touches: "numbers" }),
  },
  terms: ["within", "across"],
  strongView: true,
  sees: () => ["logits"],
  build: (_pair, { kd_T, crld_within, crld_across, crld_tau_w, crld_tau_s }) => ({
    terms({ student, teacher, strong }) {
      const part = (ofWeak: Tensor2D, ofStrong: Tensor2D, sure: Tensor2D, tau: number, weight: number): Scalar => {
        const isSure = tf.cast(tf.greaterEqual(tf.max(tf.softmax(sure), 1), tau), "float32");
        const sum = tf.add(klOfEach(ofWeak, teacher.logits, kd_T), klOfEach(ofStrong, strong.teacher.logits, kd_T));
        return tf.mul(tf.mean(tf.mul(sum, isSure)), weight) as Scalar;
      };
      const [weakly, strongly] = [student.logits, strong.student.logits];
      return {
        within: part(weakly, strongly, teacher.logits, crld_tau_w, crld_within),
        across: part(strongly, weakly, strong.teacher.logits, crld_tau_s, crld_across),
      };
    },
  }),
});
