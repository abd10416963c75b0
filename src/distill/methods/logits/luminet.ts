import { integer, number } from "../../../common/optionRow.js";
import { type Scalar, type Tensor2D, tf } from "../../../runtime/tf.js";
import { defineMethod } from "../../method.js";
import { warmUp } from "../../parts/logits.js";
import { distillKL, standardizedOverBatch } from "../../parts/losses.js";

/** Added to the variance, as in the authors' code. */
const EPSILON = 1e-5;

/** LumiNet: alpha^2 * KL(teacher || student) of logits standardised per class over the batch, softened by T. */
export const luminet = defineMethod({
  name: "luminet",
  summary: "KL of logits standardised per class over the batch (LumiNet)",
  paper:
    "Hossain et al., LumiNet: Perception-Driven Knowledge Distillation via Statistical Logit Calibration, TMLR 2025",
  code: "ismail31416/LumiNet 8cf749b",
  formula:
    "min(epoch / warm-up, 1) alpha^2 KL(softmax(n(z_t) / T), softmax(n(z_s) / T)), n(z): (z - mean) / sqrt(var + 1e-5) of each class over the batch",
  traps: [
    "The KL is multiplied by the square of luminet_alpha, and not by that of T.",
    "Logits are standardised over the batch: a short last batch changes the loss.",
  ],
  weights: { gamma: 2, alpha: 0, beta: 1 },
  published: [
    { pairs: ["vgg13-vgg8"], weights: { gamma: 1 }, options: { luminet_alpha: 70, luminet_T: 8 } },
    { pairs: ["wrn_40_2-wrn_40_1"], weights: { gamma: 1 }, options: { luminet_alpha: 75, luminet_T: 8 } },
    { pairs: ["vgg13-MobileNetV2", "ResNet50-MobileNetV2"], options: { luminet_alpha: 70, luminet_T: 8 } },
    { pairs: ["wrn_40_2-ShuffleV1"], weights: { gamma: 1 }, options: { luminet_alpha: 35 } },
  ],
  options: {
    luminet_alpha: number(33, "Root of the factor of the KL divergence.", { min: 0, touches: "numbers" }),
    luminet_T: number(4, "Temperature of the standardized logits.", { above: 0, touches: "numbers" }),
    luminet_warmup: integer(20, "Epochs in which the term grows to its weight.", {
      min: 1,
      touches: "numbers",
      inEpochs: true,
    }),
  },
  leastImages: 2,
  terms: ["luminet"],
  sees: () => ["logits"],
  build: (_pair, { luminet_alpha, luminet_T, luminet_warmup }) => ({
    terms({ student, teacher, epoch }) {
      const [ours, theirs] = [student, teacher].map(({ logits }) => standardizedOverBatch(logits, EPSILON));
      const kl = distillKL(ours as Tensor2D, theirs as Tensor2D, luminet_T);
      const factor = (luminet_alpha / luminet_T) ** 2;
      return { luminet: tf.mul(tf.mul(kl, factor), warmUp(epoch, luminet_warmup)) as Scalar };
    },
  }),
});
