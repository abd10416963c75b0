import { defineMethod } from "../../method.js";
import { IMAGENET_KL, KL_OPTIONS } from "../../options.js";
import { comparedLogits, LSKD, STANDARDIZATION } from "../../parts/logits.js";
import { distillKL } from "../../parts/losses.js";

/** Hinton's distillation: KL(z_t || z_s) of softened logits. */
export const kd = defineMethod({
  name: "kd",
  summary: "KL of softened logits",
  paper: "Hinton et al., Distilling the Knowledge in a Neural Network, 2015",
  code: "chenyd7/PEFD 7f1e2de",
  formula: "T^2 KL(softmax(z_t / T), softmax(z_s / T))",
  golden: ["losses", "trajectory_kd"],
  weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
  published: [IMAGENET_KL],
  options: { ...KL_OPTIONS, ...STANDARDIZATION },
  variants: [
    {
      ...LSKD,
      name: "lskd_kd",
      weights: { gamma: 0.1, alpha: 0, beta: 9 },
      defaults: { kd_T: 2 },
      published: [
        { pairs: ["vgg13-vgg8", "vgg13-MobileNetV2"], options: { kd_T: 3 } },
        { pairs: ["resnet110-resnet20"], options: { kd_T: 4 }, weights: { beta: 12 } },
        { pairs: ["ResNet50-MobileNetV2"], options: { kd_T: 3 }, weights: { beta: 1 } },
      ],
    },
  ],
  terms: ["kd"],
  sees: () => ["logits"],
  build: (_pair, { kd_T, lskd }) => ({
    terms({ student, teacher }) {
      const compared = comparedLogits({ lskd });
      return { kd: distillKL(compared(student.logits), compared(teacher.logits), kd_T) };
    },
  }),
});
