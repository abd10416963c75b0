import { type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import { CA_MKD, columns, DIVIDED, divergences, logitsOfEach, weighed } from "../../parts/teachers.js";

/** Weights [N, teachers]: 1 - a teacher's share of the sum of entropies. */
function certainty(sources: readonly Tensor2D[]): Tensor | number {
  if (sources.length === 1) return 1;
  const entropies = columns(
    sources.map((logits) => {
      const logP = tf.logSoftmax(logits);
      return tf.neg(tf.sum(tf.mul(tf.exp(logP), logP), 1));
    }),
  );
  return tf.sub(1, tf.div(entropies, tf.sum(entropies, 1, true)));
}

/** Mean of the teachers' KL divergences. */
export const aver = defineMethod({
  ...CA_MKD,
  name: "aver",
  summary: "mean of the KL with each of several teachers (AVER)",
  formula: "mean over teachers of T^2 KL(softmax(z_t / T), softmax(z_s / T))",
  traps: ["The mean of the divergences; kd with several teachers has the divergence from the mean of their logits."],
  options: KL_OPTIONS,
  terms: ["kd"],
  sees: () => ["logits"],
  build: (_pair, { kd_T }) => ({
    terms: (at) => ({ kd: weighed(divergences(at, kd_T), 1) }),
    optimizer: { nesterov: true },
  }),
});

/** KL divergences weighted by how certain each teacher is of an image. */
export const ebkd = defineMethod({
  ...CA_MKD,
  name: "ebkd",
  summary: "KL with several teachers, less with one of high entropy (EBKD)",
  formula: "mean over teachers of (1 - H_t / sum of H) T^2 KL(softmax(z_t / T), softmax(z_s / T)), H: entropy at T 1",
  traps: [DIVIDED, "Of n teachers the weights sum to n - 1; a single one has the weight 1."],
  options: KL_OPTIONS,
  terms: ["kd"],
  sees: () => ["logits"],
  build: (_pair, { kd_T }) => ({
    terms: (at) => ({ kd: weighed(divergences(at, kd_T), certainty(logitsOfEach(at))) }),
    optimizer: { nesterov: true },
  }),
});
