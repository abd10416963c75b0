import { linear } from "../../../nn/layers.js";
import { type Scalar, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { standardizedOverBatch } from "../../parts/losses.js";

/** Added to variances, as in the authors' code. */
const EPSILON = 1e-4;

/** SRD: log of the sum over batch and channels of |h - g|^4, both standardised over the batch. */
export const srd = defineMethod({
  name: "srd",
  summary: "log of the fourth powers of differences of standardized vectors (SRD)",
  paper: "Miles and Mikolajczyk, Understanding the Role of the Projector in Knowledge Distillation, AAAI 2024",
  code: "roymiles/Simple-Recipe-Distillation 31e8477",
  formula: "log sum over images and channels of |bn(W p_s + b) - bn(p_t)|^4, bn: without weight and bias",
  traps: [
    "The log is that of one sum over batch and channels: it depends on their numbers, and a short last batch changes it.",
    "The authors' KL divergence has T 1 (--kd_T 1). They train on ImageNet alone; their program for DeiT has another formula.",
  ],
  weights: { gamma: 1, alpha: 1, beta: 2 },
  defaults: { kd_T: 1 },
  options: {},
  leastImages: 2,
  terms: ["projected"],
  sees: () => ["pooled"],
  build({ student, teacher }, _options, make) {
    const embed = linear(make, "embed", student.pooled, teacher.pooled);
    const standardized = (vectors: Tensor2D) => standardizedOverBatch(vectors, EPSILON);
    return {
      terms(at) {
        const difference = tf.sub(standardized(embed(at.student.pooled)), standardized(at.teacher.pooled));
        return { projected: tf.log(tf.sum(tf.square(tf.square(difference)))) as Scalar };
      },
    };
  },
});
