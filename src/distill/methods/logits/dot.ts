import { number } from "../../../common/optionRow.js";
import { defineMethod } from "../../method.js";
import { IMAGENET_KL, KL_OPTIONS } from "../../options.js";
import { distillKL } from "../../parts/losses.js";

/** DOT: kd with two momenta, lower for cross entropy, higher for KL divergence, which so dominates (section 3.3). */
export const dot = defineMethod({
  name: "dot",
  summary: "kd with a momentum of its own for each of cross entropy and KL (DOT)",
  paper: "Zhao et al., DOT: A Distillation-Oriented Trainer, ICCV 2023",
  code: "megvii-research/mdistiller a08d46f",
  formula: "kd's; momentum m - delta for CE's gradients, m + delta for KL's, m: --momentum",
  traps: [
    "Weight decay acts in the cross entropy's part alone.",
    "A momentum of 1 or more diverges: --momentum and --dot_delta are to stay below 1 together.",
  ],
  weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
  published: [{ ...IMAGENET_KL, options: { ...IMAGENET_KL.options, dot_delta: 0.09 } }],
  options: {
    ...KL_OPTIONS,
    dot_delta: number(0.075, "What the momenta differ by from --momentum.", {
      min: 0,
      below: 1,
      touches: "numbers",
    }),
  },
  terms: ["kd"],
  sees: () => ["logits"],
  build: (_pair, { kd_T, dot_delta }) => ({
    optimizer: { momenta: [{ terms: ["ce"], difference: -dot_delta, decays: true }, { difference: dot_delta }] },
    terms: ({ student, teacher }) => ({ kd: distillKL(student.logits, teacher.logits, kd_T) }),
  }),
});
