import { linear } from "../../../nn/layers.js";
import { defineMethod, PEFD } from "../../method.js";
import { KL_OPTIONS } from "../../options.js";
import { distillKL } from "../../parts/losses.js";

/** kd1proj: KL of W z_s + b against z_t, W a Linear from classes to classes. */
export const kd1proj = defineMethod({
  name: "kd1proj",
  summary: "KL of softened logits through one projector",
  paper: PEFD,
  code: "chenyd7/PEFD 7f1e2de",
  formula: "T^2 KL(softmax(z_t / T), softmax((W z_s + b) / T))",
  golden: ["losses"],
  weights: { gamma: 0.1, alpha: 0, beta: 0.9 },
  options: KL_OPTIONS,
  terms: ["kd1proj"],
  sees: () => ["logits"],
  build: ({ numClasses }, { kd_T }, make) => {
    const projector = linear(make, "projectors.0", numClasses, numClasses);
    return {
      terms: ({ student, teacher }) => ({
        kd1proj: distillKL(projector(student.logits), teacher.logits, kd_T),
      }),
    };
  },
});
