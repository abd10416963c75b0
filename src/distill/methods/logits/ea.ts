import { type Scalar, type Tensor1D, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import {
  comparedLogits,
  DECOUPLED_OPTIONS,
  DECOUPLED_PUBLISHED,
  decoupledOfEach,
  EA,
  entropyWeights,
  klOfEach,
  STANDARDIZATION,
  warmUp,
} from "../../parts/logits.js";

const TRAPS = [
  "The product of entropies is divided by 100, not by log 100 as in the authors' other programs, so that it adds almost nothing.",
  "With --lskd the entropies are those of the standardized logits.",
];

/** Divides the product of entropies. */
const SCALE = 100;

/** EA-KD on kd: each image's KL weighted with the entropies of both models' logits. */
export const eaKd = defineMethod({
  ...EA,
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
      return { kd: tf.mean(tf.mul(klOfEach(ours, theirs, kd_T), entropyWeights(ours, theirs, SCALE))) as Scalar };
    },
  }),
});

/** EA-KD on dkd: both parts of each image weighted so. */
export const eaDkd = defineMethod({
  ...EA,
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
      const weights = entropyWeights(ours, theirs, SCALE);
      const weighted = (each: Tensor1D, weight: number) =>
        tf.mul(tf.mul(tf.mean(tf.mul(each, weights)), weight), warmUp(epoch, dkd_warmup)) as Scalar;
      return { tckd: weighted(tckd, dkd_alpha), nckd: weighted(nckd, dkd_beta) };
    },
  }),
});
