import { distillKL } from "../losses.js";
import { defineMethod } from "../method.js";
import { KL_OPTIONS } from "../options.js";

/** Hinton's distillation: KL(z_t || z_s) of softened logits. */
export const kd = defineMethod({
  name: "kd",
  summary: "KL of softened logits",
  paper: "Hinton et al., Distilling the Knowledge in a Neural Network, 2015",
  code: "chenyd7/PEFD 7f1e2de",
  formula: "T^2 KL(softmax(z_t / T), softmax(z_s / T))",
  golden: ["losses", "trajectory_kd"],
  weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
  options: KL_OPTIONS,
  terms: ["kd"],
  sees: () => ["logits"],
  build: (_pair, { kd_T }) => ({
    terms: ({ student, teacher }) => ({ kd: distillKL(student.logits, teacher.logits, kd_T) }),
  }),
});
