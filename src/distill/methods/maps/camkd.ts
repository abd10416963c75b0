import { number } from "../../../common/optionRow.js";
import { relu } from "../../../nn/activation.js";
import type { ModelBuilder } from "../../../nn/builder.js";
import { batchNorm, convolution } from "../../../nn/layers.js";
import type { ForwardContext } from "../../../nn/model.js";
import { globalAveragePool } from "../../../nn/pool.js";
import { type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf } from "../../../runtime/tf.js";
import { defineMethod, type FeatureShapes, type Pair, type StepContext } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import { classifierOf } from "../../parts/classMaps.js";
import { logLikelihoods } from "../../parts/losses.js";
import { toSmaller } from "../../parts/maps.js";
import { CA_MKD, columns, DIVIDED, divergences, eachTeacher, logitsOfEach, weighed } from "../../parts/teachers.js";

/** Weights [N, teachers] that sum to 1, least where logits [N, C] of `sources` have the largest cross entropy. */
function confidence(sources: readonly Tensor2D[], oneHot: Tensor2D): Tensor | number {
  if (sources.length === 1) return 1;
  const errors = columns(sources.map((logits) => tf.neg(logLikelihoods(logits, oneHot))));
  return tf.div(tf.sub(1, tf.softmax(errors)), sources.length - 1);
}

/** From the student's last map to a teacher's, and the classifier behind that. */
function embedding(make: ModelBuilder, { student }: Pair, teacher: FeatureShapes, i: number) {
  const [inputs, outputs] = [student.maps.at(-1)?.[2] as number, teacher.lastMap[2] as number];
  const name = `cal_weight.embed${i}.transfer`;
  const conv = convolution(make, `${name}.0`, { inputs, outputs, kernel: 1, stride: 1, padding: 0, bias: true });
  const norm = batchNorm(make, `${name}.1`, outputs);
  const embed = (map: Tensor4D, context: ForwardContext) => relu(norm(conv(map), context));
  return { embed, classify: classifierOf(teacher).logits };
}

/** CA-MKD: logits and maps of several teachers, each image's weighted by how well its teacher knows the label. */
export const camkd = defineMethod({
  ...CA_MKD,
  name: "camkd",
  summary: "logits and maps of several teachers, weighted by each image's cross entropy (CA-MKD)",
  formula:
    "mean over teachers of a w T^2 KL + b v mean of (g_t(f_s) - f_t)^2; w = (1 - softmax over teachers of CE(z_t)) / (n - 1), v the same of the teacher's classifier on g_t(f_s)",
  traps: [
    DIVIDED,
    "A single teacher has the weight 1.",
    "The maps take no part in the first epoch; the embeddings' running statistics move in it.",
    "The weights of maps have a gradient through the embedded map, those of logits have none.",
    "The teacher's map is the one that its classifier averages, of wrn behind the last ReLU. Where maps differ in size the larger is pooled; the student's stays so for the teachers that follow.",
  ],
  options: {
    ...KL_OPTIONS,
    camkd_a: number(1, "Weight of logits.", { min: 0, touches: "numbers" }),
    camkd_b: number(50, "Weight of maps.", { min: 0, touches: "numbers" }),
  },
  terms: ["kd", "map"],
  sees: () => ["logits", "averaged"],
  build(pair, { kd_T, camkd_a, camkd_b }, make) {
    const embeddings = eachTeacher(pair).map((teacher, i) => embedding(make, pair, teacher, i));
    const maps = (at: StepContext, context: ForwardContext): Scalar => {
      let ours = at.student.maps.at(-1)?.out as Tensor4D;
      const compared = eachTeacher(at).map(({ averaged }, i) => {
        const { embed, classify } = embeddings[i] as (typeof embeddings)[number];
        const [smaller, theirs] = toSmaller(ours, averaged as Tensor4D);
        ours = smaller;
        const embedded = embed(ours, context);
        const error = tf.mean(tf.square(tf.sub(embedded, theirs)), [1, 2, 3]);
        return { error, logits: classify(globalAveragePool(embedded)) };
      });
      const weights = confidence(
        compared.map(({ logits }) => logits),
        at.oneHot,
      );
      return weighed(columns(compared.map(({ error }) => error)), weights);
    };
    return {
      phases: [{ epochs: 1, terms: ["kd"], continues: true }],
      mainTerms: ["kd", "map"],
      terms: (at, context) => ({
        kd: tf.mul(weighed(divergences(at, kd_T), confidence(logitsOfEach(at), at.oneHot)), camkd_a),
        map: tf.mul(maps(at, context), camkd_b),
      }),
      optimizer: { nesterov: true },
    };
  },
});
