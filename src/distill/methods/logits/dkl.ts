import { choice, flag, integer, number } from "../../../common/optionRow.js";
import { type Scalar, type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { classMeans } from "../../parts/classMeans.js";
import { warmUp } from "../../parts/logits.js";

/**
 * Decoupled KL's squared error of each image [N]: 1/4 sum over classes j, k of w_j w_k (d_jk - e_jk)^2, d and e the
 * differences of two logits of teacher and student. Since (d_jk - e_jk) is (z_j - z_k) of z = z_t - z_s, this is half the
 * sum of w times the sum of w_j (z_j - mean)^2, and no tensor is [N, C, C].
 * @param weights [N, C]
 */
function pairwiseError(student: Tensor2D, teacher: Tensor2D, weights: Tensor): Tensor {
  const difference = tf.sub(teacher, student);
  const sum = tf.sum(weights, 1, true);
  const mean = tf.div(tf.sum(tf.mul(weights, difference), 1, true), sum);
  const squares = tf.sum(tf.mul(weights, tf.square(tf.sub(difference, mean))), 1);
  return tf.mul(tf.mul(tf.reshape(sum, [-1]), squares), 0.5);
}

/** GKL: cross entropy of softened logits, and a squared error of all differences of two logits, weighted by class. */
export const gklKd = defineMethod({
  name: "gkl_kd",
  summary: "soft cross entropy and weighted errors of differences of logits (GKL)",
  paper: "Cui et al., Generalized Kullback-Leibler Divergence Loss, TPAMI 2026",
  code: "jiequancui/DKL c5e8ad2",
  formula:
    "min(epoch / warm-up, 1) (alpha CE(softmax(z_t / T), softmax(z_s / T)) + beta / 4 sum of w_j w_k (d_jk(z_t) - d_jk(z_s))^2 / sum of w_j w_k), d_jk(z): z_j - z_k, w: softmax(z_t / T2)^gamma or its class mean",
  traps: [
    "The class means are those of the epoch before, uniform in the first one; the errors are divided by the weights of the whole batch (IKL: by its images).",
    "A class that an epoch leaves out has weights of zero in the next; the authors' are NaN.",
    "Nothing is multiplied by T^2.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  defaults: { gkl_kd_GI: true },
  variants: [
    {
      name: "ikl_kd",
      paper: "Cui et al., Decoupled Kullback-Leibler Divergence Loss, NeurIPS 2024",
      code: "jiequancui/DKL c5e8ad2",
      formula: "gkl_kd's with gamma 1 and without class means, the squared errors divided by the number of images",
      traps: ["The authors have a configuration for ImageNet alone."],
      set: { gkl_kd_over: "images" },
      weights: { gamma: 1, alpha: 0, beta: 1 },
      defaults: { gkl_kd_beta: 1, gkl_kd_gamma: 1, gkl_kd_T: 1, gkl_kd_T2: 100, gkl_kd_warmup: 1 },
    },
  ],
  published: [
    { pairs: ["vgg13-vgg8"], options: { gkl_kd_beta: 8, gkl_kd_gamma: 0.2 } },
    { pairs: ["resnet56-resnet20"], options: { gkl_kd_beta: 4, gkl_kd_gamma: 0.2 } },
    { pairs: ["resnet110-resnet32"], options: { gkl_kd_beta: 4, gkl_kd_gamma: 0.1, gkl_kd_GI: false } },
    {
      pairs: ["wrn_40_2-wrn_16_2"],
      options: { gkl_kd_alpha: 3, gkl_kd_beta: 20, gkl_kd_gamma: 0.3, gkl_kd_GI: false },
    },
    { pairs: ["wrn_40_2-wrn_40_1"], options: { gkl_kd_beta: 12, gkl_kd_gamma: 0.3, gkl_kd_GI: false } },
    { pairs: ["resnet32x4-ShuffleV1"], options: { gkl_kd_beta: 8, gkl_kd_gamma: 0 } },
    { pairs: ["resnet32x4-ShuffleV2"], options: { gkl_kd_alpha: 3, gkl_kd_beta: 12, gkl_kd_gamma: 0.1 } },
    { pairs: ["vgg13-MobileNetV2"], options: { gkl_kd_alpha: 4, gkl_kd_beta: 12, gkl_kd_gamma: 0.1 } },
    { pairs: ["ResNet50-MobileNetV2"], options: { gkl_kd_beta: 8 } },
    { pairs: ["wrn_40_2-ShuffleV1"], options: { gkl_kd_beta: 8, gkl_kd_gamma: 0, gkl_kd_GI: false } },
  ],
  options: {
    gkl_kd_alpha: number(1, "Weight of the cross entropy.", { min: 0, touches: "numbers" }),
    gkl_kd_beta: number(16, "Weight of the squared errors.", { min: 0, touches: "numbers" }),
    gkl_kd_gamma: number(0.05, "Power of the weights.", { min: 0, touches: "numbers" }),
    gkl_kd_T: number(4, "Temperature of the cross entropy.", { above: 0, touches: "numbers" }),
    gkl_kd_T2: number(4, "Temperature of the weights.", { above: 0, touches: "numbers" }),
    gkl_kd_warmup: integer(20, "Epochs in which the terms grow to their weights.", {
      min: 1,
      touches: "numbers",
      inEpochs: true,
    }),
    gkl_kd_GI: flag("Weigh an image's classes by the mean of its class, not by its own probabilities.", {
      touches: "numbers",
    }),
    gkl_kd_over: choice(["weights", "images"], "weights", "What the squared errors are divided by.", {
      touches: "numbers",
    }),
  },
  terms: ["sce", "wmse"],
  sees: () => ["logits"],
  build({ numClasses }, options, make) {
    const { gkl_kd_alpha, gkl_kd_beta, gkl_kd_gamma, gkl_kd_T, gkl_kd_T2, gkl_kd_warmup } = options;
    const { gkl_kd_GI, gkl_kd_over } = options;
    const prior = classMeans(make, "class_prior", [numClasses, numClasses], 1 / numClasses);
    return {
      terms({ student, teacher, oneHot, epoch }, context) {
        const soft = (logits: Tensor2D, T: number) => tf.softmax(tf.div(logits, T)) as Tensor2D;
        const logP = tf.logSoftmax(tf.div(student.logits, gkl_kd_T));
        const sce = tf.neg(tf.mean(tf.sum(tf.mul(soft(teacher.logits, gkl_kd_T), logP), 1)));
        const vectors = soft(teacher.logits, gkl_kd_T2);
        const ofClasses = () =>
          tf.matMul(oneHot, prior.gather({ weighted: oneHot, vectors, epoch }, context) as Tensor2D);
        const weights = tf.pow(gkl_kd_GI ? ofClasses() : vectors, gkl_kd_gamma);
        const errors = tf.sum(pairwiseError(student.logits, teacher.logits, weights));
        const over = gkl_kd_over === "images" ? oneHot.shape[0] : tf.sum(tf.square(tf.sum(weights, 1)));
        const warm = warmUp(epoch, gkl_kd_warmup);
        return {
          sce: tf.mul(tf.mul(sce, gkl_kd_alpha), warm) as Scalar,
          wmse: tf.mul(tf.mul(tf.div(errors, over), gkl_kd_beta), warm) as Scalar,
        };
      },
    };
  },
});
