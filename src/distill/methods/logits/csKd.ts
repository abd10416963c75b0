import { detached } from "../../../nn/gradients.js";
import { defineMethod } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import { distillKL } from "../../parts/losses.js";

/** CS-KD: KL with the student's own logits, without gradient, for another image of the same class. */
export const csKd = defineMethod({
  name: "cs_kd",
  summary: "KL with the student's own logits for another image of the class, without a teacher (CS-KD)",
  paper: "Yun et al., Regularizing Class-wise Predictions via Self-knowledge Distillation, CVPR 2020",
  code: "alinlab/cs-kd b447f25",
  formula: "T^2 KL(softmax(z_c / T), softmax(z_s / T)), z_c: the student's logits for another image of the class",
  traps: [
    "The student runs on the other images in training mode too, second: its running statistics move twice in a step.",
    "No gradient goes through the other images' logits. An image may be drawn as its own other one.",
  ],
  weights: { gamma: 1, alpha: 0, beta: 1 },
  defaults: {
    epochs: 200,
    batch_size: 128,
    learning_rate: 0.1,
    weight_decay: 1e-4,
    lr_decay_epochs: [100, 150],
    lr_decay_rate: 0.1,
  },
  options: KL_OPTIONS,
  terms: ["cls"],
  classView: true,
  teacherFree: true,
  sees: () => [],
  build: (_pair, { kd_T }) => ({
    terms: ({ student, strong }) => ({ cls: distillKL(student.logits, detached(strong.student.logits), kd_T) }),
  }),
});
