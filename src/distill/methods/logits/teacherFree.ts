import { number } from "../../../common/optionRow.js";
import { type Scalar, type Tensor, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { klOfEach } from "../../parts/logits.js";
import { crossEntropy } from "../../parts/losses.js";

/** Of the three losses of one program. */
const SHARED = {
  paper: "Yuan et al., Revisiting Knowledge Distillation via Label Smoothing Regularization, CVPR 2020",
  code: "yuanli2333/Teacher-free-Knowledge-Distillation d000ab3",
  weights: { gamma: 0, alpha: 0, beta: 1 },
  defaults: {
    epochs: 200,
    batch_size: 128,
    learning_rate: 0.1,
    lr_decay_epochs: [60, 120, 160],
    lr_decay_rate: 0.2,
  },
};

const WARM_UP = "The authors' program raises the learning rate during the first epoch; here it is constant.";
const AVERAGE = "The KL is averaged over classes as well as images, so that a multiplier makes up for it.";

/** The label's part (1 - a) CE, and a m times the mean over classes and images of a KL [N]. */
const mixed = (hard: Scalar, each: Tensor, classes: number, alpha: number, multiplier: number) => ({
  hard: tf.mul(hard, 1 - alpha) as Scalar,
  soft: tf.mul(tf.mean(each), (alpha * multiplier) / classes) as Scalar,
});

/** Label distribution [N, C] with `correct` on the label and the rest spread over the other classes. */
const smoothed = (oneHot: Tensor2D, correct: number): Tensor2D => {
  const other = (1 - correct) / (oneHot.shape[1] - 1);
  return tf.add(tf.mul(oneHot, correct - other), other);
};

/** Cross entropy against a smoothed label. */
export const labelSmoothing = defineMethod({
  ...SHARED,
  name: "label_smoothing",
  summary: "cross entropy with smoothed labels, without a teacher",
  formula: "- mean of sum q log softmax(z_s), q: 1 - a on the label, a / (C - 1) on each other class",
  traps: ["The label itself gets nothing of what is spread, unlike in PyTorch's label_smoothing.", WARM_UP],
  teacherFree: true,
  options: {
    label_smoothing_alpha: number(0.1, "Share of the other classes.", { min: 0, below: 1, touches: "numbers" }),
  },
  terms: ["smoothed"],
  sees: () => [],
  build: (_pair, { label_smoothing_alpha }) => ({
    terms: ({ student, oneHot }) => ({
      smoothed: crossEntropy(student.logits, smoothed(oneHot, 1 - label_smoothing_alpha)),
    }),
  }),
});

/** Probability of the label in the virtual teacher of Tf-KD_reg. */
const CORRECT = 0.99;

/** The authors' options of Tf-KD_reg for light students. */
const OF_STUDENTS: Readonly<Record<string, object>> = {
  MobileNetV2: { tf_kd_reg_alpha: 0.95, tf_kd_reg_T: 40, tf_kd_reg_multiplier: 1 },
  ShuffleV2: { tf_kd_reg_alpha: 0.95, tf_kd_reg_T: 10, tf_kd_reg_multiplier: 1 },
};

/** Tf-KD_reg: a virtual teacher that is right with probability 0.99. */
export const tfKdReg = defineMethod({
  ...SHARED,
  name: "tf_kd_reg",
  summary: "KL against a virtual teacher made of the label (Tf-KD_reg)",
  formula: "(1 - a) CE + a m mean over images and classes of KL(softmax(q / T), softmax(z_s)), q: 0.99 on the label",
  traps: [
    "The virtual teacher's probabilities are softened as if they were logits, so that they are almost uniform.",
    "The student's logits are not divided by T, and nothing is multiplied by T^2.",
    "Light students have values of their own: MobileNetV2 0.95, 40 and 1, ShuffleV2 0.95, 10 and 1.",
    AVERAGE,
    WARM_UP,
  ],
  teacherFree: true,
  ofStudent: ({ student }) => OF_STUDENTS[student] ?? {},
  options: {
    tf_kd_reg_alpha: number(0.1, "Weight of the virtual teacher.", { min: 0, max: 1, touches: "numbers" }),
    tf_kd_reg_T: number(20, "Temperature of the virtual teacher.", { above: 0, touches: "numbers" }),
    tf_kd_reg_multiplier: number(100, "Factor of the KL divergence.", { min: 0, touches: "numbers" }),
  },
  terms: ["hard", "soft"],
  sees: () => [],
  build: ({ numClasses }, { tf_kd_reg_alpha, tf_kd_reg_T, tf_kd_reg_multiplier }) => ({
    terms({ student: { logits }, oneHot }) {
      const each = klOfEach(logits, tf.div(smoothed(oneHot, CORRECT), tf_kd_reg_T), 1);
      return mixed(crossEntropy(logits, oneHot), each, numClasses, tf_kd_reg_alpha, tf_kd_reg_multiplier);
    },
  }),
});

/** Tf-KD_self: the teacher is a run of the student's own. */
export const tfKdSelf = defineMethod({
  ...SHARED,
  name: "tf_kd_self",
  summary: "KL against an earlier run of the student itself (Tf-KD_self)",
  formula: "(1 - a) CE + a m T^2 mean over images and classes of KL(softmax(z_t / T), softmax(z_s / T))",
  traps: ["Give a checkpoint of the student's own model as --path_t.", AVERAGE, WARM_UP],
  options: {
    tf_kd_self_alpha: number(0.95, "Weight of the earlier run.", { min: 0, max: 1, touches: "numbers" }),
    tf_kd_self_T: number(20, "Temperature of both.", { above: 0, touches: "numbers" }),
    tf_kd_self_multiplier: number(1, "Factor of the KL divergence.", { min: 0, touches: "numbers" }),
  },
  terms: ["hard", "soft"],
  sees: () => ["logits"],
  build: ({ numClasses }, { tf_kd_self_alpha, tf_kd_self_T, tf_kd_self_multiplier }) => ({
    terms({ student: { logits }, teacher, oneHot }) {
      const each = klOfEach(logits, teacher.logits, tf_kd_self_T);
      return mixed(crossEntropy(logits, oneHot), each, numClasses, tf_kd_self_alpha, tf_kd_self_multiplier);
    },
  }),
});
