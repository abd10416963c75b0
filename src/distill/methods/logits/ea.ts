import { detached } from "../../../nn/gradients.js";
import { type Scalar, type Tensor1D, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import {
  comparedLogits,
  DECOUPLED_OPTIONS,
  DECOUPLED_PUBLISHED,
  decoupledOfEach,
  klOfEach,
  STANDARDIZATION,
  warmUp,
} from "../../parts/logits.js";

const PAPER = {
  paper: "Su et al., EA-KD: Entropy-based Adaptive Knowledge Distillation, 2025",
  code: "cpsu00/EA-KD 6fb4c06",
};

const TRAPS = [
  "The product of entropies is divided by 100, not by log 100 as in the authors' other programs, so that it adds almost nothing.",
  "With --lskd the entropies are those of the standardized logits.",
];

/** Temperature of the entropies, and what divides their product. */
const [TEMPERATURE, SCALE] = [3, 100];

/** Entropy [N] of softmax(z / 3), z [N, C]. */
function entropy(logits: Tensor2D) {
  const logP = tf.logSoftmax(tf.div(logits, TEMPERATURE));
  return tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), 1));
}

/** Weights [N] of images, without gradient: (H_t + H_t H_s / 100) / 2. */
function imageWeights(student: Tensor2D, teacher: Tensor2D): Tensor1D {
  const [ours, theirs] = [entropy(student), entropy(teacher)];
  return detached(tf.mul(tf.add(theirs, tf.div(tf.mul(theirs, ours), SCALE)), 0.5) as Tensor1D);
}

/** EA-KD on kd: each image's KL weighted with the entropies of both models' logits. */
export const eaKd = defineMethod({
  ...PAPER,
  name: "ea_kd",
  summary: "kd with images weighted by entropy (EA-KD)",
  formula: "mean of (H_t + H_t H_s / 100) / 2 times T^2 KL(softmax(z_t / T), softmax(z_s / T)), H: entropy at T 3",
  traps: TRAPS,
  weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
  options: { ...KL_OPTIONS, ...STANDARDIZATION },
  terms: ["kd"],
  sees: () => ["logits"],
  build: (_pair, { kd_T, lskd }) => ({
    terms({ student, teacher }) {
      const [ours, theirs] = [student.logits, teacher.logits].map(comparedLogits({ lskd })) as [Tensor2D, Tensor2D];
      return { kd: tf.mean(tf.mul(klOfEach(ours, theirs, kd_T), imageWeights(ours, theirs))) as Scalar };
    },
  }),
});

/** EA-KD on dkd: both parts of each image weighted so. */
export const eaDkd = defineMethod({
  ...PAPER,
  name: "ea_dkd",
  summary: "dkd with images weighted by entropy (EA-KD)",
  formula:
    "min(epoch / warm-up, 1) mean of (H_t + H_t H_s / 100) / 2 times T^2 (alpha KL(b_t, b_s) + beta KL(q_t, q_s)), as dkd's",
  traps: TRAPS,
  weights: { gamma: 1, alpha: 0, beta: 1 },
  published: DECOUPLED_PUBLISHED,
  options: { ...DECOUPLED_OPTIONS, ...STANDARDIZATION },
  terms: ["tckd", "nckd"],
  sees: () => ["logits"],
  build: (_pair, { dkd_alpha, dkd_beta, dkd_T, dkd_warmup, lskd }) => ({
    terms({ student, teacher, oneHot, epoch }) {
      const [ours, theirs] = [student.logits, teacher.logits].map(comparedLogits({ lskd })) as [Tensor2D, Tensor2D];
      const [tckd, nckd] = decoupledOfEach(ours, theirs, oneHot, dkd_T);
      const weights = imageWeights(ours, theirs);
      const weighted = (each: Tensor1D, weight: number) =>
        tf.mul(tf.mul(tf.mean(tf.mul(each, weights)), weight), warmUp(epoch, dkd_warmup)) as Scalar;
      return { tckd: weighted(tckd, dkd_alpha), nckd: weighted(nckd, dkd_beta) };
    },
  }),
});
