import { type Scalar, type Tensor, type Tensor1D, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { DECOUPLED_OPTIONS, decoupledOfEach, deviation, klOfEach, warmUp } from "../../parts/logits.js";

const PAPER = {
  paper: "Chi et al., NormKD: Normalized Logits for Knowledge Distillation, arXiv 2308.00520, 2023",
  code: "gizi1/NormKD 279371b",
};

const TRAPS = [
  "The deviation has C - 1 in its denominator and nothing added to it: equal logits give NaN.",
  "The student's temperature carries gradient; the factor is the square of the teacher's.",
];

/** Logits [N, C] divided by each image's temperature, twice their deviation. @returns both, the temperature [N, 1] */
function normalized(logits: Tensor2D): [logits: Tensor2D, temperature: Tensor] {
  const temperature = tf.mul(deviation(logits), 2);
  return [tf.div(logits, temperature), temperature];
}

/** Mean over images of a loss [N] at temperature 1 times the square of the teacher's temperature [N, 1]. */
const meanOf = (each: Tensor1D, temperature: Tensor): Tensor =>
  tf.mean(tf.mul(each, tf.square(tf.reshape(temperature, [-1]))));

/** NormKD: KL at a temperature per image and model, twice the deviation of its logits. */
export const normkd = defineMethod({
  ...PAPER,
  name: "normkd",
  summary: "KL at a temperature of each image's own, from the spread of its logits (NormKD)",
  formula: "mean of tau_t^2 KL(softmax(z_t / tau_t), softmax(z_s / tau_s)), tau: 2 deviation(z) of each image",
  traps: TRAPS,
  weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
  options: {},
  terms: ["kd"],
  sees: () => ["logits"],
  build: () => ({
    terms({ student, teacher }) {
      const [[ours], [theirs, temperature]] = [normalized(student.logits), normalized(teacher.logits)];
      return { kd: meanOf(klOfEach(ours, theirs, 1), temperature) as Scalar };
    },
  }),
});

const { dkd_alpha, dkd_beta, dkd_warmup } = DECOUPLED_OPTIONS;

/** DKD's two parts at NormKD's temperatures. */
export const normkdDkd = defineMethod({
  ...PAPER,
  name: "normkd_dkd",
  summary: "dkd at a temperature of each image's own (NormKD)",
  formula: "min(epoch / warm-up, 1) mean of tau_t^2 (alpha KL(b_t, b_s) + beta KL(q_t, q_s)), as dkd's of z / tau",
  traps: TRAPS,
  weights: { gamma: 1, alpha: 0, beta: 1 },
  defaults: { dkd_alpha: 4, dkd_beta: 5 },
  published: [
    { pairs: ["vgg13-vgg8", "ResNet50-MobileNetV2"], options: { dkd_alpha: 2, dkd_beta: 7 } },
    { pairs: ["vgg13-MobileNetV2", "wrn_40_2-wrn_40_1"], options: { dkd_alpha: 3, dkd_beta: 6 } },
    { pairs: ["resnet110-resnet32"], options: { dkd_alpha: 5, dkd_beta: 4 } },
    { pairs: ["resnet56-resnet20"], options: { dkd_alpha: 7, dkd_beta: 2 } },
    { pairs: ["resnet32x4-ShuffleV1"], options: { dkd_alpha: 0.5, dkd_beta: 8.5 } },
  ],
  options: { dkd_alpha, dkd_beta, dkd_warmup },
  terms: ["tckd", "nckd"],
  sees: () => ["logits"],
  build: (_pair, options) => ({
    terms({ student, teacher, oneHot, epoch }) {
      const [[ours], [theirs, temperature]] = [normalized(student.logits), normalized(teacher.logits)];
      const [tckd, nckd] = decoupledOfEach(ours, theirs, oneHot, 1);
      const warm = warmUp(epoch, options.dkd_warmup);
      const weighted = (each: Tensor1D, weight: number) =>
        tf.mul(tf.mul(meanOf(each, temperature), weight), warm) as Scalar;
      return { tckd: weighted(tckd, options.dkd_alpha), nckd: weighted(nckd, options.dkd_beta) };
    },
  }),
});
