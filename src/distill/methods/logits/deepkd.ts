import { integer, number } from "../../../common/optionRow.js";
import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod, type OptimizerTraits } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import { DECOUPLED_OPTIONS, decoupledOfEach, warmUp } from "../../parts/logits.js";

const PAPER = {
  paper: "Huang et al., DeepKD: A Deeply Decoupled and Denoised Knowledge Distillation Trainer, arXiv 2505.15133, 2025",
  code: "haiduo/DeepKD afb5964",
};

const TRAPS = [
  "As in the authors' code, cross entropy has the momentum of TCKD, and weight decay acts in TCKD's part alone, after the other two.",
];

const MOMENTA = {
  deepkd_delta_tcg: number(0.075, "What the momenta of cross entropy and TCKD are below --momentum.", {
    min: 0,
    below: 1,
    touches: "numbers",
  }),
  deepkd_delta_ncg: number(0.075, "What the momentum of NCKD is above --momentum.", {
    min: 0,
    below: 1,
    touches: "numbers",
  }),
};

/** Cross entropy, then NCKD with all that else is summed, then TCKD, each with a momentum buffer of its own. */
const optimizer = (told: { deepkd_delta_tcg: number; deepkd_delta_ncg: number }): OptimizerTraits => ({
  momenta: [
    { terms: ["ce"], difference: -told.deepkd_delta_tcg },
    { difference: told.deepkd_delta_ncg },
    { terms: ["tckd"], difference: -told.deepkd_delta_tcg, decays: true },
  ],
});

/** DeepKD on kd: KL's two parts with momenta of their own. */
export const deepkdKd = defineMethod({
  ...PAPER,
  name: "deepkd_kd",
  summary: "KL of the label and of the other classes, each with a momentum of its own (DeepKD)",
  formula: "T^2 KL(b_t, b_s) + mean of (1 - softmax(z_t / T) of the label) T^2 KL(q_t, q_s), b and q as dkd's",
  traps: [...TRAPS, "The factor of the second part is the mean of the batch, not of each image."],
  weights: { gamma: 0.5, alpha: 0, beta: 1 },
  options: { ...KL_OPTIONS, ...MOMENTA },
  terms: ["tckd", "nckd"],
  sees: () => ["logits"],
  build: (_pair, { kd_T, ...options }) => ({
    optimizer: optimizer(options),
    terms({ student, teacher, oneHot }) {
      const [tckd, nckd] = decoupledOfEach(student.logits, teacher.logits, oneHot, kd_T);
      const ofLabel = tf.sum(tf.mul(tf.softmax(tf.div(teacher.logits, kd_T)), oneHot), 1);
      const factor = tf.sub(1, tf.mean(ofLabel));
      return { tckd: tf.mean(tckd), nckd: tf.mul(tf.mean(nckd), factor) as Scalar };
    },
  }),
});

/** One-hot labels [N, C], and with a k every class that is not among the k with the teacher's largest logits. */
function leftOut(oneHot: Tensor2D, teacher: Tensor2D, k: number): Tensor2D {
  if (k === 0 || k >= teacher.shape[1]) return oneHot;
  const least = tf.min(tf.topk(teacher, k).values, 1, true);
  return tf.maximum(oneHot, tf.cast(tf.less(teacher, least), "float32"));
}

/** DeepKD on dkd, optionally among the classes alone that the teacher ranks highest. */
export const deepkdDkd = defineMethod({
  ...PAPER,
  name: "deepkd_dkd",
  summary: "dkd with a momentum of its own for each part (DeepKD)",
  formula: "min(epoch / warm-up, 1) T^2 (alpha KL(b_t, b_s) + beta KL(q_t, q_s)), as dkd's",
  traps: [
    ...TRAPS,
    "The label counts among the k highest where the teacher has it there; k is constant, the paper's growing one is not in the code.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  defaults: { deepkd_delta_ncg: 0.05 },
  options: {
    ...DECOUPLED_OPTIONS,
    ...MOMENTA,
    deepkd_topk: integer(0, "Classes of the teacher's highest logits that NCKD is among; 0: all.", {
      min: 0,
      touches: "numbers",
    }),
  },
  terms: ["tckd", "nckd"],
  sees: () => ["logits"],
  build: (_pair, { dkd_alpha, dkd_beta, dkd_T, dkd_warmup, deepkd_topk, ...options }) => ({
    optimizer: optimizer(options),
    terms({ student, teacher, oneHot, epoch }) {
      const rest = leftOut(oneHot, teacher.logits, deepkd_topk);
      const [tckd, nckd] = decoupledOfEach(student.logits, teacher.logits, oneHot, dkd_T, rest);
      const weighted = (each: Tensor1D, weight: number) =>
        tf.mul(tf.mul(tf.mean(each) as Tensor, weight), warmUp(epoch, dkd_warmup)) as Scalar;
      return { tckd: weighted(tckd, dkd_alpha), nckd: weighted(nckd, dkd_beta) };
    },
  }),
});
