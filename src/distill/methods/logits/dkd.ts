import { type Scalar, type Tensor1D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import {
  comparedLogits,
  DECOUPLED_IMAGENET,
  DECOUPLED_OPTIONS,
  DECOUPLED_PUBLISHED,
  decoupledOfEach,
  LSKD,
  STANDARDIZATION,
  warmUp,
} from "../../parts/logits.js";

/** DKD: alpha * KL of the label against the rest + beta * KL among the rest, both with a warm-up. */
export const dkd = defineMethod({
  name: "dkd",
  summary: "KL of the label and of the other classes, decoupled (DKD)",
  paper: "Zhao et al., Decoupled Knowledge Distillation, CVPR 2022",
  code: "megvii-research/mdistiller a08d46f",
  formula:
    "min(epoch / warm-up, 1) T^2 (alpha KL(b_t, b_s) + beta KL(q_t, q_s)), b: label against the rest, q: the rest alone",
  traps: ["The label's logit loses 1000 after the division by T, so it takes no part in q."],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  published: [...DECOUPLED_PUBLISHED, ...DECOUPLED_IMAGENET],
  options: { ...DECOUPLED_OPTIONS, ...STANDARDIZATION },
  variants: [
    {
      ...LSKD,
      name: "lskd_dkd",
      weights: { gamma: 1, alpha: 0, beta: 9 },
      defaults: { dkd_T: 2 },
      published: DECOUPLED_PUBLISHED,
    },
  ],
  terms: ["tckd", "nckd"],
  sees: () => ["logits"],
  build: (_pair, { dkd_alpha, dkd_beta, dkd_T, dkd_warmup, lskd }) => ({
    terms({ student, teacher, oneHot, epoch }) {
      const compared = comparedLogits({ lskd });
      const [ours, theirs] = [compared(student.logits), compared(teacher.logits)];
      const [tckd, nckd] = decoupledOfEach(ours, theirs, oneHot, dkd_T);
      const warm = warmUp(epoch, dkd_warmup);
      const weighted = (each: Tensor1D, weight: number) => tf.mul(tf.mul(tf.mean(each), weight), warm) as Scalar;
      return { tckd: weighted(tckd, dkd_alpha), nckd: weighted(nckd, dkd_beta) };
    },
  }),
});
