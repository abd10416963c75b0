import { number } from "../../../common/optionRow.js";
import { createRandom } from "../../../common/random.js";
import { addBuffer, type ModelBuilder } from "../../../nn/builder.js";
import { batchNorm, linear } from "../../../nn/layers.js";
import type { ForwardContext } from "../../../nn/model.js";
import { type Scalar, type Tensor, type Tensor2D, type Tensor4D, tf } from "../../../runtime/tf.js";
import { type Distillation, type Draws, defineMethod, type Pair, type StepContext } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import { DECOUPLED_OPTIONS, decoupledOfEach, warmUp } from "../../parts/logits.js";
import { distillKL, GATHERING, gathering, inverseNorm, normalizedRows } from "../../parts/losses.js";

const SHARED = {
  paper: "Wang et al., Improving Knowledge Distillation via Regularizing Feature Direction and Norm, ECCV 2024",
  code: "WangYZ1608/Knowledge-Distillation-via-ND fc6f3f9",
  traps: [
    "The first epoch gathers the class means of the teacher's vectors, and nothing learns; the authors read them, rounded to four decimals, from a file.",
    "After it the KL's factor grows from 0, the direction's weighs in full; gradient flows through the student's norm where it is the larger one.",
    "Where widths differ, the student's vector goes through batch normalisation, dropout of a half and a linear layer.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  defaults: { epochs: 241, batch_size: 128, learning_rate: 0.1 },
};

const SHUFFLE = { learning_rate: 0.02 };

const ND_OPTIONS = {
  nd_loss_factor: number(2, "Weight of direction and norm.", { min: 0, touches: "numbers" }),
};

/** Epochs in which the KL grows to its weight, from 0 in the first one of the main part. */
const WARM_UP = 20;

const kdFactor = (epoch: Scalar): Scalar => warmUp(tf.sub(epoch, GATHERING + 1), WARM_UP);

/** What is kept of vectors where half of their elements are dropped: 0 or 2, [N, width]. */
const dropped = (width: number): Draws => ({
  specs: (images) => ({ dropout: { shape: [images, width], dtype: "float32" } }),
  values({ seed, epoch, step, image }) {
    const random = createRandom(seed, "dropout", epoch, step);
    return { dropout: Float32Array.from({ length: image.length * width }, () => (random.uniform() < 0.5 ? 0 : 2)) };
  },
});

/** From the student's vectors to the teacher's width. */
function embedding(make: ModelBuilder, { student, teacher }: Pair) {
  if (student.pooled === teacher.pooled) return { embed: (vectors: Tensor2D) => vectors };
  const norm = batchNorm(make, "embed.bn", student.pooled);
  const fc = linear(make, "embed.linear", student.pooled, teacher.pooled);
  const embed = (vectors: Tensor2D, { drawn }: StepContext, context: ForwardContext) => {
    const normed = norm(tf.reshape(vectors, [-1, 1, 1, student.pooled]) as Tensor4D, context);
    return fc(tf.mul(tf.reshape(normed, vectors.shape), drawn.dropout as Tensor));
  };
  return { embed, draws: dropped(student.pooled) };
}

/**
 * Norm and direction: mean of 1 - s . c / max(|s|, |t|), s and t vectors of student and teacher, c the unit class mean of
 * the teacher's.
 * @param kdTerm the KL, before its warm-up
 */
function withDirection(
  pair: Pair,
  factor: number,
  make: ModelBuilder,
  kdTerm: (at: StepContext) => Tensor,
): Distillation<"kd" | "nd"> {
  const { embed, draws } = embedding(make, pair);
  const centers = addBuffer(make, "centers", [pair.numClasses, pair.teacher.pooled]);
  return {
    ...(draws && { draws }),
    mainTerms: ["kd", "nd"],
    phases: [
      gathering(
        pair,
        "kd",
        (at) => kdTerm(at) as Scalar,
        ({ oneHot, teacher }) => [[centers, tf.add(centers, tf.matMul(oneHot, teacher.pooled, true))]],
      ),
    ],
    terms(at, context) {
      const [ours, theirs] = [embed(at.student.pooled, at, context), at.teacher.pooled];
      const center = tf.matMul(at.oneHot, normalizedRows(centers as Tensor as Tensor2D));
      const along = tf.mul(
        tf.sum(tf.mul(ours, center), 1, true),
        tf.minimum(inverseNorm(ours, -1), inverseNorm(theirs, -1)),
      );
      return {
        kd: tf.mul(kdTerm(at), kdFactor(at.epoch)) as Scalar,
        nd: tf.mul(tf.sub(1, tf.mean(along)), factor) as Scalar,
      };
    },
  };
}

/** KD++: kd, and the direction and norm of the pooled vector. */
export const kdpp = defineMethod({
  ...SHARED,
  name: "kdpp",
  summary: "kd, and vectors along their class's mean, no shorter than the teacher's (KD++)",
  formula:
    "min((epoch - 2) / 20, 1) k KL_T + n mean of (1 - p_s . c_y / max(|p_s|, |p_t|)), c: unit class means of p_t",
  published: [
    { pairs: ["resnet56-resnet20"], options: { kd_loss_factor: 1 } },
    { pairs: ["wrn_40_2-wrn_40_1"], options: { kd_loss_factor: 1, nd_loss_factor: 1.5 } },
    { pairs: ["ResNet50-MobileNetV2"], options: { kd_loss_factor: 3, nd_loss_factor: 0.5 } },
    { pairs: ["resnet32x4-ShuffleV1"], options: { kd_loss_factor: 2.5, nd_loss_factor: 1.5 }, defaults: SHUFFLE },
    { pairs: ["resnet32x4-ShuffleV2"], options: { kd_loss_factor: 4, nd_loss_factor: 0.5 }, defaults: SHUFFLE },
  ],
  options: {
    ...KL_OPTIONS,
    kd_loss_factor: number(3.5, "Weight of the KL divergence.", { min: 0, touches: "numbers" }),
    ...ND_OPTIONS,
  },
  terms: ["kd", "nd"],
  sees: () => ["logits", "pooled"],
  build: (pair, { kd_T, kd_loss_factor, nd_loss_factor }, make) => ({
    ...withDirection(pair, nd_loss_factor, make, ({ student, teacher }) =>
      tf.mul(distillKL(student.logits, teacher.logits, kd_T), kd_loss_factor),
    ),
    optimizer: { nesterov: true },
  }),
});

const { dkd_alpha, dkd_beta, dkd_T } = DECOUPLED_OPTIONS;

/** DKD++: dkd, and the direction and norm of the pooled vector. */
export const dkdpp = defineMethod({
  ...SHARED,
  name: "dkdpp",
  summary: "dkd, and vectors along their class's mean, no shorter than the teacher's (DKD++)",
  formula: "min((epoch - 2) / 20, 1) T^2 (alpha KL(b_t, b_s) + beta KL(q_t, q_s)) as dkd's + kdpp's second part",
  defaults: { ...SHARED.defaults, dkd_alpha: 2, nd_loss_factor: 0.5 },
  published: [
    { pairs: ["resnet56-resnet20"], options: { dkd_alpha: 2.5, dkd_beta: 4, nd_loss_factor: 3.5 } },
    { pairs: ["wrn_40_2-wrn_40_1"], options: { dkd_alpha: 1, dkd_beta: 6, nd_loss_factor: 1 } },
    { pairs: ["ResNet50-MobileNetV2"], options: { dkd_alpha: 0.5, nd_loss_factor: 1 } },
    { pairs: ["resnet32x4-ShuffleV1"], options: { dkd_alpha: 0.5, nd_loss_factor: 4 }, defaults: SHUFFLE },
    { pairs: ["resnet32x4-ShuffleV2"], options: { dkd_alpha: 0.5, dkd_beta: 6 }, defaults: SHUFFLE },
  ],
  options: { dkd_alpha, dkd_beta, dkd_T, ...ND_OPTIONS },
  terms: ["kd", "nd"],
  sees: () => ["logits", "pooled"],
  build: (pair, options, make) => ({
    ...withDirection(pair, options.nd_loss_factor, make, ({ student, teacher, oneHot }) => {
      const [tckd, nckd] = decoupledOfEach(student.logits, teacher.logits, oneHot, options.dkd_T);
      return tf.add(tf.mul(tf.mean(tckd), options.dkd_alpha), tf.mul(tf.mean(nckd), options.dkd_beta));
    }),
    optimizer: { nesterov: true },
  }),
});
